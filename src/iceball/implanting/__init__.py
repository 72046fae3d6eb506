"""PUT A LESION WHERE THERE IS NONE: with known truth, for tests and studies."""

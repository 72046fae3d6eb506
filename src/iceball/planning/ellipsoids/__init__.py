"""The plan that fixed ellipsoids would give: the yardstick, never advice."""

"""iceball: plan, simulate and judge cryoablation of bone metastases. Research use only, never a medical device."""

"""JX-V4: CNG/LNG dispensers of the JX, JXH and ZSY firmware families, host side."""

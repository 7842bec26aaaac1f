"""The far end of each protocol, in processes of their own."""

"""One class a file for each way to reach a shipping department."""

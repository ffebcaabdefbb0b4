"""The pickup API: departments' programs fetch their orders, and bring receipts and tracking numbers (OpenAPI)."""

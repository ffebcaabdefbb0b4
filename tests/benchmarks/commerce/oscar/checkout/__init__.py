"""Oscar's checkout with a payment: forked as Oscar's documentation says."""

"""Payment gateways; they raise cart.checkout.errors.PaymentError."""

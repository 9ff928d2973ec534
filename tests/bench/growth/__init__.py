"""How the lab's speed grows with cases, with pods and with policies. Nothing here can fail."""

"""How much of everything so many zones need: coefficients that were measured, a pure model, and a week simulated."""

"""What a clerk may do: one page each, which states the amounts first, asks for a reason and is carried out once."""

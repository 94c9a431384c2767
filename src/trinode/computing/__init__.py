"""Tasks on tiers: exact computing decisions for given links, their values and prices. No antennas here."""

"""What problems are written in: expressions, and the parts whose quantities they speak of."""

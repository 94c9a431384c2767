"""What is in the air: draws, propagation, clusters, streams, rates, and the engine that moves precoders."""

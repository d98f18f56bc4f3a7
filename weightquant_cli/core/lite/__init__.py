"""What Paddle Lite does and demands."""

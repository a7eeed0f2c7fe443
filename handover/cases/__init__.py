"""The state kept for one subject, and how it is advanced to a watermark."""

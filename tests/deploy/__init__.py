"""What is shipped to run the system with: units of systemd, the image, the compose file, the chart."""

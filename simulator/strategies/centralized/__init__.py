"""One conditional GAN on the server, which is sent all data: the bound others are measured by."""

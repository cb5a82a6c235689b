"""What the studies share: what a study is, its images, its command line, and its pages."""

"""Has no class of the name that its entry point promises."""

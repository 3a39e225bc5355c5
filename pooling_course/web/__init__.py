"""What every widget shares in the browser: elements, painting, colours, one style sheet."""

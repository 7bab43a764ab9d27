"""Questions asked of an operator, one file each: free functions with frozen results. Nothing here draws."""

"""`python -m bench`."""

from bench.first_benchmark import main

main()

"""What an endpoint may tell a process to do: one module per type of inline hook.

Each has ``shapes(request_type)``: by command type, what reads its value; ``apply``: carries one command out on a copy
of the question's data; ``conclude``: says what the reply as a whole comes to.
"""

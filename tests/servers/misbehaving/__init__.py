"""A loopback server that misbehaves in named ways, and remembers what it took.

It speaks HTTP/1.1 on bare sockets, so that it can also speak it wrongly. A fault is a function of one `Exchange`: it
reads the request, or not; takes its events, or not; sends bytes, any bytes. What isn't under a fault is read, taken and
answered as the platform does. `Server.took` is the truth that a client's report is held against.

Where an answer does not tell what became of the events, the fault takes some of them and some not: whatever a client
says of such an answer but "unknown" is wrong for one of them.

`server.Server(fault)` runs it, under a fault of the `catalog` or one of the test's own.
"""

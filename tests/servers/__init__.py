"""The loopback servers of the tests, one for each purpose.

`capturing`    answers as the event API does, or as a test says beforehand, and keeps every request: the usual choice
`echoing`      the same, but refuses each event and repeats its secrets in every form
`message_server`  the event API and the messages API: messages come when a plan says, and lists fail as it says
`scripted`     answers each row of a bulk run as a test says, and writes down what it took
`recording`    in a process of its own, outlives a sender that is killed; writes down every event that it takes
`counting`     in a process of its own, as fast as possible: for benchmarks
`event_api`    the event API over bare connections: TLS, and connections that end in any way
`loopback`     leaves each connection, or only the answer on it, to a function
`proxy`        a proxy for CONNECT
`misbehaving`  breaks HTTP or the API in named ways, and remembers what it took
`foreign`      another program on a port: it answers what a sandbox might, or relays
`switchboard`  not HTTP: tasks in other processes call a test, and wait for its answers
`listeners`    no server at all: a port that refuses, never answers, or has no room

Scripts here are started by their path, which puts this folder first on their import path: no module may have the name
of one of the standard library.
"""

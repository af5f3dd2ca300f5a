from runner import Event, RunnerError, Suprsend

try:
    client = Suprsend("workspace_key", "workspace_secret", new_id=lambda: "x")
    client.track_event(Event("u1", "order_placed"))
except RunnerError as error:
    print(error.problems[0].code, error, sep="\n")

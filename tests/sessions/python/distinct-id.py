from runner import Event, InvalidEvent, Suprsend

supr_client = Suprsend("workspace_key", "workspace_secret", base_url="http://127.0.0.1:9/")
try:
    supr_client.track_event(Event(None, "order_placed"))  # type: ignore[arg-type]
except InvalidEvent as error:
    print(error.code, error.at, error, sep="\n")

from runner import Event, InvalidEvent, Suprsend

supr_client = Suprsend("workspace_key", "workspace_secret", base_url="http://127.0.0.1:9/")
deep: dict[str, object] = {}
for _ in range(70):
    deep = {"deeper": deep}
try:
    supr_client.track_event(Event("u1", "order_placed", deep))
except InvalidEvent as error:
    print(error.code, error.at, error, sep="\n")

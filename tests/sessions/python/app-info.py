from runner import RunnerError, Suprsend

try:
    Suprsend("workspace_key", "workspace_secret", app_info={"name": "shop\nX-Admin: 1"})
except RunnerError as error:
    print(error.problems[0].code, error, sep="\n")

from runner import RunnerError, Suprsend

try:
    Suprsend("workspace_key", "workspace_secret", concurrency=0)
except RunnerError as error:
    print(error.problems[0].code, error, sep="\n")

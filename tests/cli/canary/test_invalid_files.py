"""No secret is printed when a file is invalid."""

from __future__ import annotations

import json

import pytest

from tests.cli.canary.conftest import DECLARED, DIGITS, LETTERS, LOUD, REST, TOLD, WORDS, Folder, leaks

YAML_VALUES = {
    "two values": f"token: {LETTERS}: x\n",
    "a tab": f"token:\t{LETTERS}\n\tb: {LETTERS}\n",
    "an open quote": f'token: "{LETTERS}\n',
    "an open quote above": f'user: "x\ntoken: {LETTERS}\n',
    "an open brace": f"{{token: {LETTERS}\n",
    "no colon": f"a: 1\n{LETTERS}\n",
    "a key twice": f"token: {LETTERS}\ntoken: {LETTERS}\n",
    "a key twice on a line": f"{{token: {LETTERS}, token: {LETTERS}}}\n",
    "an alias": f"token: *{LETTERS}\n",
    "a tag": f"token: !{LETTERS} x\n",
    "a tag of a namespace": f"token: !!{LETTERS} x\n",
    "an anchor": f"token: &{LETTERS}\n",
    "a strange beginning": f"token: @{LETTERS}\n",
    "a percent sign": f"token: %{LETTERS}\n",
    "a comment": f"token: # {LETTERS}\n",
    "a list": f"- {LETTERS}\n",
    "a text": f"{LETTERS}\n",
    "a second document": f"token: {LETTERS}\n--- {LETTERS}\n",
    "a directive": f"%{LETTERS}\n---\na: 1\n",
    "a merge key": f"<<: {{token: {LETTERS}}}\n",
    "a map as a key": f"? {{token: {LETTERS}}}\n: 1\n",
    "a control character": f"token: {LETTERS}\x01\n",
    "not a number": f"{{token: {LETTERS}, amount: .nan}}\n",
    "a large number": f"token: {DIGITS}e999\n",
    "a neighbour of a wrong type": f"{{token: {LETTERS}, amount: x}}\n",
    "a neighbour that breaks a rule": f"{{amount: 5, token: {LETTERS}}}\n",
    "a neighbour that nobody knows": f"{{token: {LETTERS}, tokn: {LETTERS}}}\n",
}
JSON_VALUES = {
    "no quotes": f'{{"token": {LETTERS}}}',
    "an open quote": f'{{"token": "{LETTERS}}}',
    "a comma": f'{{"token": "{LETTERS}",}}',
    "a key twice": f'{{"token": "{LETTERS}", "token": "{LETTERS}"}}',
    "more behind": f'{{"token": "{LETTERS}"}} {LETTERS}',
    "NaN": f'{{"token": "{LETTERS}", "amount": NaN}}',
    "a large number": f'{{"token": {DIGITS}e999}}',
    "a number of many digits": f'{{"token": {DIGITS * 500}}}',
    "a line break": f'{{"token": "{WORDS[0]}\n{WORDS[1]}"}}',
}
PROFILES = {
    "the secret itself": f"workspace_secret: {LETTERS}",
    "the API key itself": f"api_key: {LETTERS}",
    "the secret for its name": f"{{workspace_key_env: SUPRSEND_KEY, workspace_secret_env: {LETTERS}}}",
    "the API key for its name": f"api_key_env: {LETTERS}",
    "the secret in a list": f"workspace_secret_env: [{LETTERS}]",
    "a password in the URL": f"base_url: https://key:{LETTERS}@hub.example.com/",
    "a password with a slash in the URL": f"base_url: https://key:{WORDS[0]}/{WORDS[1]}@hub.example.com/",
    "a token in the URL": f"base_url: https://hub.example.com/?token={LETTERS}",
    "no URL": f"base_url: {LETTERS}",
    "plain http": f"base_url: http://{LETTERS}@hub.example.com/",
    "variables in a list": f"vars: [{LETTERS}]",
    "a variable without a space": f"vars: token:{LETTERS}",
    "an unknown key beside": f"{{vars: {{token: {LETTERS}}}, user: x}}",
    "a key twice": f"vars: {{token: {LETTERS}, token: {LETTERS}}}",
    "two values": f"vars: {{}}\n  token: {LETTERS}: x",
    "an open quote": f'vars: {{token: "{LETTERS}}}',
    "an alias": f"vars: {{token: *{LETTERS}}}",
    "a neighbour of a wrong type": f"vars: {{token: {LETTERS}, amount: x}}",
    "a neighbour for another spec": f"vars: {{other: {LETTERS}, amount: x}}",
}
FILES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    **{f"YAML: {name}": ("values.yaml", text, ("--vars-file", "values.yaml")) for name, text in YAML_VALUES.items()},
    **{f"JSON: {name}": ("values.json", text, ("--vars-file", "values.json")) for name, text in JSON_VALUES.items()},
    **{
        f"profile: {name}": ("runner.yaml", f"profiles:\n here:\n  {text}\n", ("--profile", "here"))
        for name, text in PROFILES.items()
    },
}


@pytest.mark.parametrize(("name", "text", "flags"), FILES.values(), ids=FILES)
def test_a_secret_in_a_file_with_a_fault_is_starred(
    folder: Folder, name: str, text: str, flags: tuple[str, ...]
) -> None:
    folder.write("a.yaml", DECLARED)
    folder.write(name, text)
    folder.environ["RUNNER_VAR_token"] = "below the flags and files, above the profile"
    printed = folder.loudly("send", "a.yaml", *flags, forms=("pretty", "json"))
    assert printed[0].code in (2, 3)
    assert leaks(*printed) == []


DEFAULTS = {
    "a wrong type": f" token: {{secret: true, default: {LETTERS}, type: strin}}",
    "an unused variable": f" token: {{}}\n tokn: {{secret: true, default: {LETTERS}}}",
    "a default twice": f" token: {{secret: true, default: x, default: {LETTERS}}}",
    "a variable twice": f" token: {{secret: true}}\n token: {{secret: true, default: {LETTERS}}}",
    "vars twice": f" token: {{}}\nvars: {{token: {{secret: true, default: {LETTERS}}}}}",
    "an open quote": f' token: {{secret: true, default: "{LETTERS}}}',
    "two values": f" token:\n  secret: true\n  default: {LETTERS}: x",
    "an alias": f" token: {{secret: true, default: *{LETTERS}}}",
    "yes for true": f" token: {{type: string, secret: yes, default: {LETTERS}}}",
    "quotes around true": f' token: {{type: string, secret: "true", default: {LETTERS}}}',
}
CASES = {
    "a name misspelt": f"{{name: a, vars: {{token: {LETTERS}, tokn: 1}}}}",
    "a text like a number": f"{{name: a, vars: {{token: 0{DIGITS}}}}}",
    "a neighbour of a wrong type": f"{{name: a, vars: {{token: {LETTERS}, n: x}}}}",
    "an unknown key": f"{{name: a, vars: {{token: {LETTERS}}}, expct: {{}}}}",
    "an expectation": f"{{name: a, vars: {{token: {LETTERS}}}, expect: {{event: {LETTERS}, bad: 1}}}}",
}
SPECS: dict[str, str] = {
    **{f"default: {name}": f"vars:\n{text}\n" for name, text in DEFAULTS.items()},
    **{
        f"case: {name}": f"vars: {{token: {{secret: true}}, n: {{type: integer}}}}\ntests:\n- {text}\n"
        for name, text in CASES.items()
    },
}


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_a_secret_in_a_spec_with_a_fault_is_starred(folder: Folder, text: str) -> None:
    folder.write("a.yaml", REST + text)
    rendered = folder.loudly("render", "a.yaml", "--var", "token=x", "--case", "a", forms=("pretty", "json"))
    validated = folder.loudly("validate", "a.yaml", forms=("pretty", "json"))
    assert rendered[0].err + validated[0].out != ""
    assert leaks(*rendered, *validated) == []


@pytest.mark.parametrize(
    ("spec", "args"),
    [
        ("extends: .env\n", ("validate", "a.yaml")),
        (f"{REST}vars: {{token: {{}}}}\nschema: .env\n", ("validate", "a.yaml")),
        (DECLARED, ("render", "a.yaml", "--vars-file", ".env")),
        (DECLARED, ("render", "a.yaml", "--config", ".env")),
        (DECLARED, ("validate", ".env")),
    ],
    ids=["extends", "schema", "vars file", "configuration", "spec"],
)
def test_a_file_of_secrets_that_is_taken_for_another_is_not_quoted(
    folder: Folder, spec: str, args: tuple[str, ...]
) -> None:
    folder.write("a.yaml", spec)
    folder.write(".env", f"SUPRSEND_WORKSPACE_SECRET={LETTERS}\nSUPRSEND_WORKSPACE_KEY=key\n")
    printed = folder.loudly(*args, forms=TOLD)
    assert {ended.code for ended in printed} <= {2, 4}
    assert leaks(*printed) == []


FOREIGN = {
    "prod.vars.yaml": f"user: admin\npassword: {LETTERS}\nretries: no\n",
    "prod.json.yaml": json.dumps({"password": LETTERS, "name": "prod", "version": 1}),
    "kubernetes.yaml": f"apiVersion: v1\nkind: Secret\nstringData: {{password: {LETTERS}}}\n",
    "manifests.yaml": f"apiVersion: v1\nkind: Secret\n---\nstringData: {{password: {LETTERS}}}\n",
    "compose.yml": f"services: {{db: {{environment: {{PASSWORD: {LETTERS}}}}}}}\n",
    "workflow.yml": f"name: CI\non: push\njobs: {{a: {{env: {{TOKEN: {LETTERS}}}}}}}\n",
    "task.yml": f"version: '3'\nvars: {{PASSWORD: {LETTERS}}}\ntasks: {{}}\n",
    "env.yaml": f"PASSWORD={LETTERS}\nUSER=x\n",
    "broken.yaml": f"password: {LETTERS}: x\n",
    "open.yaml": f'a: 1\npassword: "{LETTERS}\n',
    "twice.yaml": f"password: {LETTERS}\npassword: {LETTERS}\n",
    "alias.yaml": f"password: *{LETTERS}\n",
    "tag.yaml": f"password: !{LETTERS} x\n",
    "list.yaml": f"- password: {LETTERS}\n",
    "text.yaml": LETTERS,
    "comment.yaml": f"# {LETTERS}\n",
    "depth.yaml": f"password: {LETTERS} # {'[' * 80}\n a: {'[' * 80}\n",
}


def test_a_secret_in_a_file_that_is_no_spec_is_not_quoted(folder: Folder) -> None:
    for number, (name, text) in enumerate(FOREIGN.items()):
        folder.write(name, text)
        folder.write(f"base-{number}.yaml", f"{REST}extends: {name}\n")
        folder.write(f"schema-{number}.yaml", f"{REST}schema: {name}\n")
        tests = f"[{{name: a, vars_file: {name}}}, {{name: b, steps: [{{spec: {name}}}]}}]"
        folder.write(f"values-{number}.yaml", f"{REST}tests: {tests}\n")
    printed = folder.loudly("validate", ".") + folder.loudly("send", ".", "-n", forms=TOLD)
    printed += [folder("test", ".", *LOUD[form], "--", "-p", "no:cacheprovider") for form in ("pretty", "json")]
    assert {ended.code for ended in printed} == {2}
    told = {problem["path"] for problem in printed[1].json["problems"]}
    assert set(FOREIGN) <= told
    assert leaks(*printed) == []


@pytest.mark.parametrize("target", [".env", ".secrets/prod.yaml", "runner.yaml", "key.pem"])
def test_a_secret_that_a_link_leads_to_is_not_quoted(folder: Folder, target: str) -> None:
    (folder.path / target).parent.mkdir(exist_ok=True)
    folder.write(target, f"SECRET: {LETTERS}: [\n")
    names = ("link.yaml", "link.csv", "link.json")
    for name in names:
        (folder.path / name).symlink_to(folder.path / target)
    uses = {
        "extends": "extends: link.yaml", "schema": "schema: link.json", "values": "tests: [{name: a, vars_file: link.yaml}]",
        "rows": "tests: [{name: a, rows: link.csv}]", "sets": "tests: [{name: a, parametrize: link.csv}]",
        "golden": "tests: [{name: a, expect: {golden: link.json}}]", "step": "tests: [{name: a, steps: [{spec: link.yaml}]}]",
    }  # fmt: skip
    for name, use in uses.items():
        folder.write(f"{name}.yaml", f"{REST}{use}\n")
    printed = folder.loudly("validate", *(f"{name}.yaml" for name in uses), "link.yaml")
    assert {ended.code for ended in printed} == {2}
    declares = target == "runner.yaml"  # the specs ask it for variables, and report that it is broken
    assert len(printed[1].json["problems"]) == len(uses) + 1 + declares
    assert leaks(*printed) == []


def test_a_secret_at_which_a_long_line_is_cut_is_starred(folder: Folder) -> None:
    for length in range(1, 101):
        declared = f"secret: true, default: {LETTERS}, description: {'x' * length}, typo: {'x' * 100}"
        folder.write(f"{length}.yaml", f"{REST}vars: {{token: {{{declared}}}}}\n")
    ended = folder("validate", ".")
    assert ended.err == "100 specs checked: 100 errors\n"
    assert leaks(ended) == []

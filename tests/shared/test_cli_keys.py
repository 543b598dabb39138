"""``photovault keys`` as an operator meets it: what it says, and the exit code that a script reads."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import Result
from tests.arranging import add_photo, add_photos, table
from tests.local_cloud import database_of_its_own
from tests.master_keys import LOST, LOST_PRINT, NEW, NEW_PRINT, OLD, OLD_PRINT, Use
from tests.shared.api import described
from tests.vaults import SECRET, Somebody, somebody
from typer.testing import CliRunner

from photovault import keys, passwords
from photovault.cli import app
from photovault.settings import get_settings

database_url = database_of_its_own()


def run(*words: str) -> Result:
    result = CliRunner().invoke(app, ["keys", *words], catch_exceptions=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def printed(*words: str) -> Any:
    return json.loads(run(*words, "--json").stdout)


def person() -> Somebody:
    made = somebody()
    add_photo(made.user_id)
    return made


def test_the_way_of_a_rotation_is_told_in_four_lines() -> None:
    told = run("--help").output
    for step in ("keys generate", "in front of MASTER_KEY", "keys rotate-master", "take the old one out"):
        assert step in told


def test_a_rotation_from_the_first_look_to_the_last(use: Use) -> None:
    person()
    use(NEW, OLD)
    before = run("status")
    assert before.exit_code == 0
    assert [line.split()[:3] for line in before.stdout.splitlines()[:2]] == [
        [NEW_PRINT, "newest", "0"],
        [OLD_PRINT, "known", "1"],
    ]
    assert "rotate-master" in before.stdout
    rotated = run("rotate-master")
    assert rotated.exit_code == 0
    assert "1 key was wrapped anew." in rotated.stdout
    may_go = f"Every key is wrapped by {NEW_PRINT}; older keys may be taken out of MASTER_KEY."
    assert may_go in rotated.stdout
    assert may_go in run("status").stdout
    use(NEW)
    after = run("status")
    assert after.exit_code == 0
    assert "rotate-master" not in after.stdout
    assert "may be taken out" not in after.stdout, "there is none"


def test_a_missing_master_key_is_told_with_the_way_out(use: Use) -> None:
    use(LOST)
    lost = person()
    use(OLD)
    person()
    use(NEW, OLD)
    status = run("status")
    assert status.exit_code == 1
    (line,) = (line for line in status.stdout.splitlines() if line.startswith(LOST_PRINT))
    assert line.split()[1:] == ["MISSING", "1", "key"]
    assert f"MASTER_KEY lacks: {LOST_PRINT}" in status.stdout
    rotated = run("rotate-master")
    assert rotated.exit_code == 1
    assert f"person {lost.user_id}, key version 1, wrapped by {LOST_PRINT}" in rotated.stdout
    assert f"1 key is left that {LOST_PRINT} wraps: put it back into MASTER_KEY" in rotated.stdout
    assert "may be taken out" not in rotated.stdout


def test_scripts_read_json(use: Use) -> None:
    use(LOST)
    lost = person()
    use(OLD)
    person()
    use(NEW, OLD)
    assert {tuple(row.values()) for row in printed("status")["master_keys"]} == {
        (NEW_PRINT, "newest", 0),
        (OLD_PRINT, "known", 1),
        (LOST_PRINT, "MISSING", 1),
    }
    found = printed("rotate-master")
    assert (found["rewrapped"], found["unopened"], found["left"], found["done"]) == (1, 1, {LOST_PRINT: 1}, False)
    assert found["named"][0]["user_id"] == str(lost.user_id)


@pytest.mark.parametrize("named_by", ["e-mail", "E-MAIL in capitals", "id"])
def test_a_persons_key_is_rotated_by_e_mail_or_id(use: Use, named_by: str) -> None:
    ada = somebody()
    add_photos(ada.user_id, 3)
    name = {"e-mail": ada.email, "E-MAIL in capitals": ada.email.upper(), "id": str(ada.user_id)}[named_by]
    result = run("rotate-user", name)
    assert result.exit_code == 0
    assert "3 photos were wrapped anew; the key of version 2 is in use." in result.stdout
    assert table(ada.user_id, "SELECT DISTINCT key_version FROM images") == [(2,)]
    found = printed("rotate-user", name)
    assert (found["version"], found["rewrapped"], found["deleted"]) == (3, 3, [2])


def test_a_photo_that_does_not_open_is_named_and_ends_in_exit_1(use: Use, database_url: str) -> None:
    ada = somebody()
    bad, _ = add_photos(ada.user_id, 2)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE images SET content_key = 'x' WHERE id = %s", [bad])
    result = run("rotate-user", ada.email)
    assert result.exit_code == 1
    assert f"photo {bad}, key version 1" in result.stdout
    assert "1 photo was wrapped anew" in result.stdout


def test_who_is_not_there_is_told_so(use: Use) -> None:
    for name, told in (("nobody@example.com", "e-mail"), (str(uuid4()), "no such account")):
        result = run("rotate-user", name)
        assert (result.exit_code, told in result.stderr) == (1, True)


def test_who_has_no_key_yet_is_fine(use: Use) -> None:
    assert "nothing was ever uploaded" in run("rotate-user", somebody().email).stdout


def test_what_is_generated_can_be_used(use: Use) -> None:
    lines = dict(line.split("=", 1) for line in run("generate").stdout.splitlines())
    assert keys.MasterKeys([lines["MASTER_KEY"]]).fingerprint
    assert len(lines["JWT_SECRET"]) >= 32


def test_an_operator_lets_somebody_in_who_has_lost_authenticator_and_codes(use: Use) -> None:
    use(NEW)
    ada, other = person(), person()
    for each in (ada, other):
        described.give_second_factor(each)
    removed = run("remove-second-factor", ada.email)
    assert (removed.exit_code, "is off" in removed.stdout) == (0, True)
    again = run("remove-second-factor", str(ada.user_id))
    assert (again.exit_code, "is not on" in again.stdout) == (1, True)
    for who, on in ((ada, 0), (other, 1)):
        assert table(who.user_id, "SELECT count(*) FROM second_factors") == [(on,)]
    assert table(ada.user_id, "SELECT kind, detail->>'by' FROM activity ORDER BY id DESC LIMIT 1") == [
        ("second-factor-off", "operator")
    ]
    assert run("remove-second-factor", "nobody@example.com").exit_code == 1


def test_an_operator_lets_somebody_in_who_has_forgotten_the_password(use: Use) -> None:
    use(NEW)
    ada = person()
    described.give_second_factor(ada)
    done = run("reset-password", ada.email)
    (password,) = done.stdout.split()
    assert (done.exit_code, "1 session ended" in done.stderr) == (0, True)
    ((hashed,),) = table(ada.user_id, "SELECT password_hash FROM users")
    assert passwords.verify(hashed, password)
    assert table(ada.user_id, "SELECT count(*) FROM sessions WHERE revoked_at IS NULL") == [(0,)]
    assert table(ada.user_id, "SELECT count(*) FROM second_factors") == [(1,)]
    assert table(ada.user_id, "SELECT kind, detail->>'by' FROM activity ORDER BY id DESC LIMIT 1") == [
        ("password-changed", "operator")
    ]
    for name in ("nobody@example.com", str(uuid4())):
        assert run("reset-password", name).exit_code == 1


def test_an_upgrade_says_whose_codes_it_cannot_seal_anew(
    use: Use, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(NEW)
    described.give_second_factor(person())
    newer = "another secret of the tests"
    told = []
    for secrets in (SECRET, f"{newer},{SECRET}", newer, SECRET):
        monkeypatch.setenv("JWT_SECRET", secrets)
        get_settings.cache_clear()
        told.append(CliRunner().invoke(app, ["db", "upgrade"]).stdout)
    assert ["cannot be opened: JWT_SECRET lacks" in each for each in told] == [False, False, False, True]

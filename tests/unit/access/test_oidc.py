"""The plant's own sign-in: who comes in, as what, and each answer that does not hold."""

import re
import secrets
import sqlite3
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("authlib", reason="the extra Authlib is not installed")

from backend import doctor
from backend.access import accounts, database, elsewhere, known_as, oidc
from backend.access.limits import Limits
from backend.access.rights import Role
from backend.actions import people
from backend.core import audit, maintenance
from backend.core.audit import Actor, Way
from backend.records import UserError
from pages.ui import sign_in
from tests.unit.access import plant as plants
from tests.unit.access.browsing import Browser, guarded

BOSS = Actor("Boss", Way.COMMAND_LINE, Role.ADMIN)
GOOD = "correct horse battery"
ROLES = '[roles]\nvisitors = "viewer"\nquality = "engineer"\n"plant it" = "admin"\n'


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    with plants.serving(tmp_path_factory.mktemp("plant")) as running:
        yield running


@pytest.fixture
def plant(provider):
    provider[0].reset()
    return provider[0]


@pytest.fixture
def chosen(storage, provider, plant, tmp_path, monkeypatch):
    """Settings of a dashboard that asks the plant."""
    path = tmp_path / "sign-in.toml"
    given = {"issuer": plant.issuer, "client_id": plants.CLIENT, "ca_file": str(provider[1])}
    given |= {"client_secret": plants.SECRET, "name": "the works"}
    lines = [f'{name} = "{value}"' for name, value in given.items()]
    path.write_text("\n".join(["[oidc]", *lines, ROLES]))
    path.chmod(0o600)
    made = replace(storage, sign_in=path)
    monkeypatch.setattr(sign_in, "settings", lambda: made)
    return made


@pytest.fixture
def app(chosen):
    return guarded(chosen, elsewhere=elsewhere.of(chosen))


@pytest.fixture
def go(provider):
    """`go(browser)`: through the plant's sign-in and back; the answer to what came back."""

    def through(browser, after="/runs", back=lambda address: address):
        begun = browser.ask(f"/oidc/start?next={after}")
        assert begun.status_code == 303, begun.text
        address = plants.visit(begun.headers["location"], provider[1])
        return browser.ask(back(address))

    return through


def everybody(settings):
    return {one.name: one.role for one in accounts.everybody(settings.storage)}


def test_who_comes_for_the_first_time_gets_an_account_by_their_groups(app, chosen, plant, go):
    browser = Browser(app)
    assert browser.ask("/runs").headers["location"] == "/sign-in?next=%2Fruns"
    page = browser.ask("/sign-in?next=%2Fruns").text
    assert 'href="/oidc/start?next=/runs"' in page and "Go on to the works" in page
    answer = go(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert everybody(chosen) == {"ada": Role.ENGINEER}
    assert (
        browser.ask("/account").text.count("engineer") and "there" in browser.ask("/account").text
    )
    lines = [(one.actor, one.action) for one in audit.newest(chosen.storage)]
    assert lines == [("ada", "sign in"), ("ada", "add account")]
    assert plant.was_asked[-1]["redirect_uri"] == "http://localhost:8501/oidc/back"


def test_the_role_follows_the_groups_each_time_and_the_highest_counts(app, chosen, plant, go):
    for groups, role in (
        (["visitors"], Role.VIEWER),
        (["quality", "plant it", "others"], Role.ADMIN),
        ("quality", Role.ENGINEER),
    ):
        plant.groups = groups
        assert go(Browser(app)).status_code == 303
        assert everybody(chosen) == {"ada": role}


@pytest.mark.parametrize("groups", [[], ["canteen"], None, {"quality": True}, [7]])
def test_who_is_in_no_group_stays_outside_and_open_sessions_end(app, chosen, plant, go, groups):
    inside = Browser(app)
    go(inside)
    assert inside.ask("/alive").status_code == 204
    plant.groups = groups
    answer = go(Browser(app))
    assert answer.status_code == 403
    assert "none of the groups that may come in here" in answer.text and "quality" in answer.text
    assert inside.ask("/alive").status_code == 401
    plant.subject = "s-2"
    go(Browser(app))
    assert everybody(chosen) == {"ada": Role.ENGINEER}


def test_who_is_disabled_here_stays_outside(app, chosen, plant, go):
    inside = Browser(app)
    go(inside)
    plant.groups = ["plant it"]
    people.disable(BOSS, chosen, "ada")
    assert inside.ask("/alive").status_code == 401
    answer = go(Browser(app))
    assert answer.status_code == 403 and "disabled" in answer.text
    people.enable(BOSS, chosen, "ada")
    assert go(Browser(app)).status_code == 303


def test_an_account_of_that_name_stays_whose_it_is(app, chosen, plant, go):
    people.add(BOSS, chosen, "Ada", Role.ADMIN, GOOD)
    assert go(Browser(app)).status_code == 303
    assert everybody(chosen) == {"Ada": Role.ADMIN, "ada 2": Role.ENGINEER}
    noted = [(line.actor, line.action) for line in audit.newest(chosen.storage)[:2]]
    assert noted == [("ada 2", "sign in"), ("ada 2", "add account")]
    plant.name, plant.subject = "<b>Eve\r\n/</b>", "s-2"
    assert go(Browser(app)).status_code == 303
    assert "b Eve b" in everybody(chosen)
    elsewhere_known = known_as.everybody(chosen.storage)
    assert [
        one.name for one in accounts.everybody(chosen.storage) if one.id not in elsewhere_known
    ] == ["Ada"]


def test_what_is_kept_elsewhere_is_not_changed_here(app, chosen, go):
    go(Browser(app))
    for change in (
        lambda: people.set_role(BOSS, chosen, "ada", Role.ADMIN),
        lambda: people.set_password(BOSS, chosen, "ada", GOOD),
        lambda: people.reset(BOSS, chosen, "ada"),
    ):
        with pytest.raises(UserError, match="'ada' signs in elsewhere"):
            change()


def elsewhere_ones(settings):
    known = known_as.everybody(settings.storage)
    return [one for one in accounts.everybody(settings.storage) if one.id in known]


WRONG_CLAIMS = (
    {"nonce": "another"},
    {"nonce": None},
    {"iss": "https://evil.example"},
    {"aud": "another client"},
    {"aud": ["another client"], "azp": plants.CLIENT},
    {"aud": [plants.CLIENT, "another"], "azp": "another"},
    {"exp": 1},
    {"iat": 2**33},
    {"sub": None},
)


@pytest.mark.parametrize("claims", WRONG_CLAIMS, ids=str)
def test_a_token_that_says_something_else_lets_nobody_in(app, chosen, plant, go, claims):
    plant.claims = claims
    answer = go(Browser(app))
    assert answer.status_code == 403
    assert "does not hold" in answer.text and "Nobody was let in" in answer.text
    assert everybody(chosen) == {}


@pytest.mark.parametrize(
    "sign",
    [
        lambda plant, claims: plant.unsigned(claims),
        lambda plant, claims: plant.by_public_key(claims),
        lambda plant, claims: plant.signed(claims, plant.other),
        lambda plant, claims: plant.signed(claims, plant.other, kid="two"),
        lambda plant, claims: plant.signed(
            claims, plant.other, jwk=plant.other.as_dict(private=False)
        ),
        lambda plant, claims: plant.signed(claims)[:-4] + "AAAA",
        lambda plant, claims: "",
    ],
    ids=["none", "HS256 by the public key", "known kid", "unknown kid", "own jwk", "cut", "empty"],
)
def test_a_token_that_the_plant_did_not_sign_lets_nobody_in(app, chosen, plant, go, sign):
    plant.sign = lambda claims: sign(plant, claims)
    answer = go(Browser(app))
    assert answer.status_code == 403 and "Nobody was let in" in answer.text
    assert everybody(chosen) == {}


def test_an_answer_is_used_once_by_the_browser_that_asked(app, chosen, provider, go):
    browser, stranger = Browser(app), Browser(app)
    begun = browser.ask("/oidc/start").headers["location"]
    address = plants.visit(begun, provider[1])
    stranger.ask("/oidc/start")
    for who, answer in ((stranger, address), (browser, address), (browser, f"{address}x")):
        found = who.ask(answer)
        assert found.status_code == 403 and "Begin again" in found.text
    assert everybody(chosen) == {}


def test_a_code_that_was_used_is_refused_with_a_state_that_holds(app, chosen, provider, go):
    seen = []
    browser = Browser(app)
    assert go(browser, back=lambda address: seen.append(address) or address).status_code == 303
    used = parse_qs(urlsplit(seen[0]).query)["code"][0]
    found = go(
        Browser(app),
        back=lambda address: (
            f"/oidc/back?code={used}&state=" + parse_qs(urlsplit(address).query)["state"][0]
        ),
    )
    assert found.status_code == 403 and "invalid_grant" in found.text


def test_an_answer_comes_in_time_and_from_the_plant(app, chosen, plant, go, monkeypatch):
    plant.says = {"authorization_response_iss_parameter_supported": True}
    assert "not from the works" in go(Browser(app)).text
    found = go(Browser(app), back=lambda address: f"{address}&iss={plant.issuer}")
    assert found.status_code == 303
    found = go(Browser(app), back=lambda address: f"{address}&error=access_denied")
    assert "Refused by the works: access_denied" in found.text
    monkeypatch.setattr(oidc, "LASTS", -1.0)
    assert "took too long" in go(Browser(app)).text


def test_groups_may_be_asked_for_apart_and_lie_deeper(app, chosen, plant, go):
    plant.more = {"sub": "s-1", "groups": ["visitors"]}
    assert go(Browser(app)).status_code == 303
    assert everybody(chosen) == {"ada": Role.VIEWER}
    plant.more = {"sub": "somebody else", "groups": ["plant it"]}
    assert "speaks of somebody else" in go(Browser(app)).text
    assert oidc._found({"realm": {"roles": ["a"]}}, "realm.roles") == ["a"]
    assert oidc._found({"https://x/groups": ["a"]}, "https://x/groups") == ["a"]


@pytest.mark.parametrize("after", ["//evil.example", "/\\evil", "https://evil.example"])
def test_the_way_back_stays_here(app, go, after):
    assert go(Browser(app), after=after).headers["location"] == "/"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"issuer": "https://evil.example"}, "calls itself https://evil.example"),
        ({"token_endpoint": "http://10.0.0.1/token"}, "token_endpoint is not https://"),
        ({"jwks_uri": None}, "jwks_uri is not https://"),
    ],
)
def test_a_provider_that_is_another_is_not_gone_to(app, plant, says, words):
    plant.says = says
    found = Browser(app).ask("/oidc/start")
    assert found.status_code == 502 and words in found.text


def test_sign_out_ends_the_session_here_and_leads_to_the_plant_s(app, plant, go):
    browser = Browser(app)
    go(browser)
    left = browser.ask("/sign-out", {"x": "1"}).headers["location"]
    assert browser.ask("/alive").status_code == 401
    assert 'href="/oidc/leave"' in browser.ask(left).text
    address = urlsplit(browser.ask("/oidc/leave").headers["location"])
    asked = parse_qs(address.query)
    assert f"https://{address.netloc}{address.path}" == f"{plant.issuer}/leave"
    assert asked["client_id"] == [plants.CLIENT]
    assert asked["post_logout_redirect_uri"] == ["http://localhost:8501/sign-in"]


def log_out_of(plant, **other):
    """Claims of a log-out that holds, but for what is said otherwise; None: without."""
    now = int(time.time())
    claims = {"iss": plant.issuer, "aud": plants.CLIENT, "iat": now, "exp": now + 120}
    claims |= {"sub": plant.subject, "sid": "x", "jti": secrets.token_hex(4)}
    claims |= {"events": {oidc.LOG_OUT: {}}} | other
    return {name: value for name, value in claims.items() if value is not None}


def told_by(app, token):
    """What the provider hears that sends a log-out; no browser does."""
    return Browser(app).ask("/oidc/log-out", {"logout_token": token})


def test_who_signs_out_at_the_plant_is_signed_out_here(app, chosen, plant, go):
    at_work, at_home, other = Browser(app), Browser(app), Browser(app)
    go(at_work)
    go(at_home)
    plant.subject, plant.name = "s-2", "eve"
    go(other)
    plant.subject = "s-1"
    token = plant.signed(log_out_of(plant), typ="logout+jwt")
    answer = told_by(app, token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    assert [one.ask("/alive").status_code for one in (at_work, at_home, other)] == [401, 401, 204]
    newest = audit.newest(chosen.storage)[0]
    assert (newest.actor, newest.action) == ("ada", "sign out")
    go(at_work)
    again = told_by(app, token)
    assert again.status_code == 400 and "used before" in again.text
    assert at_work.ask("/alive").status_code == 204
    assert told_by(app, plant.signed(log_out_of(plant, sub="nobody"))).status_code == 200


def test_a_log_out_ends_no_later_sign_in_whatever_a_server_forgot(app, plant, go):
    inside = Browser(app)
    go(inside)
    before = int(time.time()) - 2 * oidc.LEEWAY
    assert told_by(app, plant.signed(log_out_of(plant, iat=before))).status_code == 200
    assert inside.ask("/alive").status_code == 204


def test_a_log_out_of_one_session_ends_that_one(app, chosen, plant, go):
    at_work, at_home, other = Browser(app), Browser(app), Browser(app)
    for browser, plant.claims in ((at_work, {"sid": "w"}), (at_home, {"sid": "h"}), (other, {})):
        go(browser)

    def seen():
        return [one.ask("/alive").status_code for one in (at_work, at_home, other)]

    assert told_by(app, plant.signed(log_out_of(plant, sub=None, sid="none"))).status_code == 200
    assert seen() == [204, 204, 204]
    assert told_by(app, plant.signed(log_out_of(plant, sub="eve", sid="w"))).status_code == 200
    assert seen() == [204, 204, 204]
    assert told_by(app, plant.signed(log_out_of(plant, sub=None, sid="w"))).status_code == 200
    assert seen() == [401, 204, 204]
    assert audit.newest(chosen.storage)[0].actor == "ada"
    assert told_by(app, plant.signed(log_out_of(plant, sid="other"))).status_code == 200
    assert seen() == [401, 204, 401]  # of that one it is not known which it is
    assert told_by(app, plant.signed(log_out_of(plant, sid=None))).status_code == 200
    assert seen() == [401, 401, 401]


def test_a_log_out_ends_no_session_begun_a_moment_after_it(app, plant, go):
    inside = Browser(app)
    go(inside)
    just_before = int(time.time()) - 5
    assert told_by(app, plant.signed(log_out_of(plant, iat=just_before))).status_code == 200
    assert inside.ask("/alive").status_code == 204


def test_a_session_of_an_earlier_version_ends_too(app, chosen, plant, go):
    inside = Browser(app)
    go(inside)
    with database.writing(chosen.storage) as db:
        db.execute("DROP TABLE session_elsewhere")
    assert told_by(app, plant.signed(log_out_of(plant))).status_code == 200
    assert inside.ask("/alive").status_code == 401


def test_a_log_out_that_could_not_be_done_is_heard_again(app, chosen, plant, go):
    inside = Browser(app)
    go(inside)
    token = plant.signed(log_out_of(plant))
    full = "BEFORE DELETE ON session BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    with database.writing(chosen.storage) as db:
        db.execute(f"CREATE TRIGGER full {full}")
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        told_by(app, token)
    with database.writing(chosen.storage) as db:
        db.execute("DROP TRIGGER full")
    assert told_by(app, token).status_code == 200
    assert inside.ask("/alive").status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "n"},
        {"events": None},
        {"events": {"http://schemas.openid.net/event/other": {}}},
        {"events": [oidc.LOG_OUT]},
        {"events": {oidc.LOG_OUT: True}},
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"aud": None},
        {"sub": None, "sid": None},
        {"sub": 7},
        {"sid": 7},
        {"sub": None, "sid": ""},
        {"jti": None},
        {"exp": None},
        {"exp": 1},
        {"exp": 2**33},
        {"iat": 2**33},
        {"iat": None},
    ],
    ids=str,
)
def test_a_log_out_that_says_something_else_ends_nothing(app, plant, go, claims, monkeypatch):
    monkeypatch.setattr(sign_in, "LIMITS", Limits())
    inside = Browser(app)
    go(inside)
    answer = told_by(app, plant.signed(log_out_of(plant, **claims)))
    assert answer.status_code == 400 and "does not hold" in answer.text
    assert inside.ask("/alive").status_code == 204


def test_a_log_out_that_the_plant_did_not_sign_ends_nothing(app, plant, go, monkeypatch):
    monkeypatch.setattr(sign_in, "LIMITS", Limits())
    inside = Browser(app)
    go(inside)
    claims = log_out_of(plant)
    forged = [plant.unsigned(claims), plant.by_public_key(claims), "", "a.b.c"]
    forged += [plant.signed(claims, plant.other, kid=kid) for kid in ("one", "two")]
    assert {told_by(app, token).status_code for token in forged} == {400}
    while (answer := told_by(app, "a.b.c")).status_code == 400:
        pass
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 0
    assert inside.ask("/alive").status_code == 204


def test_nobody_is_let_in_unasked_before_anybody_has_an_account(app, chosen):
    assert accounts.asked_for(chosen) and not accounts.any_there(chosen.storage)
    assert Browser(app).ask("/").headers["location"].startswith("/sign-in")


def test_doctor_asks_the_plant_and_says_what_is_wrong(chosen, plant, tmp_path):
    good = doctor._sign_in(chosen)
    assert good.state is doctor.State.GOOD and plant.issuer in good.words
    text = chosen.sign_in.read_text()
    chosen.sign_in.chmod(0o644)
    assert "chmod 600" in doctor._sign_in(chosen).cure
    foreign = re.sub("ca_file = .*", "", text)
    silent = text.replace(f":{plant.port}", ":9")
    for name, wrong in (("foreign", foreign), ("silent", silent)):
        path = tmp_path / f"{name}.toml"
        path.write_text(wrong)
        found = doctor._sign_in(replace(chosen, sign_in=path))
        assert found.state is doctor.State.WRONG
        assert "The works cannot be asked at 127.0.0.1" in found.words
    assert doctor._sign_in(replace(chosen, sign_in=None)).state is doctor.State.GOOD


HEAD = '[oidc]\nissuer = "https://a"\nclient_id = "b"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[oidc", "cannot be read"),
        ("", "names nobody to ask"),
        (ROLES, "names nobody to ask"),
        ("[saml]\n" + HEAD + ROLES, "knows no part 'saml'"),
        (HEAD, "name a group and its role"),
        (HEAD + '[roles]\nx = "boss"', "'x' must be one of viewer"),
        ('[oidc]\nclient_id = "b"\n' + ROLES, "issuer is missing"),
        (HEAD + 'colour = "x"\n' + ROLES, "'colour' is no text setting"),
        (HEAD + "scopes = 3\n" + ROLES, "'scopes' is no text setting"),
        (HEAD.replace("https://a", "http://a") + ROLES, "issuer must begin with https://"),
        (HEAD + 'ca_file = "/nowhere.pem"\n' + ROLES, "there is no file /nowhere.pem"),
        (HEAD + 'scopes = "profile"\n' + ROLES, "scopes must have 'openid'"),
        ('[proxy]\nsecret = "short"\n' + ROLES, "secret needs 32 characters"),
        ("[proxy]\n" + ROLES, "secret is missing"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_before_the_server_starts(
    storage, tmp_path, text, words
):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        maintenance.serve(replace(storage, sign_in=path), "127.0.0.1", 1)


def test_without_authlib_the_cure_is_named(chosen, monkeypatch):
    monkeypatch.setattr(oidc, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install authlib=="):
        maintenance.serve(chosen, "127.0.0.1", 1)

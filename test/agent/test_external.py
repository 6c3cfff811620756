import json
import os
import socket
import struct
import threading
import unittest
from unittest import mock

from support import AgentError, Done, NodeTest, ran_as

from silver import external, files, probe, redact, site_services
from silver.services import Use
from silver.services import external as service

BASE = {
    "of": "redis",
    "schemes": "redis",
    "tlsScheme": "rediss",
    "port": 6379,
    "tlsPort": 6379,
    "prefix": "/",
    "tlsQuery": "ssl_cert_reqs=required&ssl_ca_certs=@CA@",
    "host": "cache.acme.net",
    "name": "",
    "user": "",
    "tls": 0,
    "ca": "",
    "version": "",
    "secret": "CONFIG_CACHE_PASSWORD",
    "secretVersion": 1,
    "isUrl": 0,
}
POSTGRES = {
    **BASE,
    **{"of": "postgres", "schemes": "postgresql postgres", "tlsScheme": "", "port": 5432, "tlsPort": 5432},
    "tlsQuery": "sslmode=verify-full&sslrootcert=@CA@",
}
URL = {"secret": "CONFIG_DB_URL", "isUrl": 1, "host": ""}


class Places(unittest.TestCase):
    def url(self, options, secret):
        place = external.place_of(options, {options["secret"]: secret})
        return external.url_of(place, options, "/ca.pem")

    def test_fields_become_a_url_whose_parts_are_percent_encoded(self):
        options = {**POSTGRES, "host": "db.acme.net", "name": "my blog", "user": "blog@acme"}
        self.assertEqual(
            self.url(options, "p/a:s@s%w ö#?"), "postgresql://blog%40acme:p%2Fa%3As%40s%25w%20%C3%B6%23%3F@db.acme.net:5432/my%20blog"
        )
        tls = self.url({**options, "tls": 1}, "x")
        self.assertEqual(tls, "postgresql://blog%40acme:x@db.acme.net:5432/my%20blog?sslmode=verify-full&sslrootcert=/ca.pem")
        self.assertEqual(self.url(BASE, "secret"), "redis://:secret@cache.acme.net:6379")
        self.assertEqual(self.url({**BASE, "host": "fd00::1", "tls": 1, "tlsPort": 6380}, "").split("?")[0], "rediss://[fd00::1]:6380")

    def test_a_url_is_taken_apart_and_comes_back_the_same(self):
        url = "postgresql://blog%40acme:p%2Fa%3As%40s%25w@db.acme.net:6432/blog?connect_timeout=3"
        options = {**POSTGRES, **URL}
        place = external.place_of(options, {"CONFIG_DB_URL": f"{url}\n"})
        self.assertEqual(place[:6], ("db.acme.net", 6432, "blog@acme", "p/a:s@s%w", "blog", "/blog"))
        self.assertEqual(self.url(options, url), url)
        self.assertEqual(self.url(options, url.replace("postgresql:", "postgres:")), url)
        found = external.values(place, options, "/ca.pem")
        self.assertEqual((found["HOST"], found["PORT"], found["SERVER"], found["CA"]), ("db.acme.net", 6432, "db.acme.net:6432", ""))

    def test_tls_is_what_the_environment_the_scheme_or_the_query_says(self):
        for options, url, tls in (
            ({}, "redis://a", ""),
            ({"tls": 1}, "redis://a", "verify"),
            ({}, "rediss://a", "verify"),
        ):
            self.assertEqual(external.place_of({**BASE, **URL, **options}, {"CONFIG_DB_URL": url}).tls, tls)
        for mode, tls in (("verify-full", "verify"), ("require", "encrypt"), ("prefer", "")):
            place = external.place_of({**POSTGRES, **URL}, {"CONFIG_DB_URL": f"postgresql://a@b/c?sslmode={mode}"})
            self.assertEqual(place.tls, tls)
        # What the environment says goes before what the URL says.
        lax = {**POSTGRES, **URL, "tls": 1}
        self.assertEqual(
            self.url(lax, "postgres://a@b/c?sslmode=disable"), "postgresql://a@b:5432/c?sslmode=verify-full&sslrootcert=/ca.pem"
        )

    def test_what_is_no_url_of_one_server_is_refused_without_a_word_of_it(self):
        for url in (
            "",
            "hunter2",
            "hunter2://a",
            "redis://a:hunter2",
            "redis:///hunter2",
            "redis://hunter2 @a",
            "redis://[hunter2",
            "redis://a#hunter2",
        ):
            with self.assertRaises(AgentError) as caught:
                external.place_of({**BASE, **URL}, {"CONFIG_DB_URL": url})
            self.assertEqual(caught.exception.code, "service")
            self.assertNotIn("hunter2", caught.exception.text())
            self.assertIn("CONFIG_DB_URL is not the URL of one server, beginning with redis:// or rediss://", caught.exception.message)

    def test_a_core_is_named_behind_its_prefix(self):
        options = {**BASE, "of": "solr", "schemes": "http", "tlsScheme": "https", "tlsQuery": "", "prefix": "/solr/", "name": "blog"}
        self.assertEqual(self.url(options, ""), "http://cache.acme.net:6379/solr/blog")
        given = external.place_of({**options, **URL}, {"CONFIG_DB_URL": "https://s.net/search/core1"})
        self.assertEqual((given.name, given.path, given.tls), ("core1", "/search/core1", "verify"))

    def test_a_virtual_host_that_is_not_named_is_the_default_one(self):
        options = {**BASE, "of": "rabbitmq", "schemes": "amqp", "tlsScheme": "amqps", "tlsQuery": "", "name": "/", "user": "a"}
        self.assertEqual(self.url(options, "b"), "amqp://a:b@cache.acme.net:6379/%2F")
        for url, name in (("amqp://a:b@c", "/"), ("amqp://a:b@c/", "/"), ("amqp://a:b@c/%2F", "/"), ("amqp://a:b@c/d%2Fe", "d/e")):
            self.assertEqual(external.place_of({**options, **URL}, {"CONFIG_DB_URL": url}).name, name)

    def test_all_words_of_a_secret_are_hidden(self):
        found = external.words_of(["redis://u:p%2Fw@h", "plain", ""])
        self.assertEqual(found, {"redis://u:p%2Fw@h", "p%2Fw", "p/w", "plain"})
        for query, hidden in (
            ("user=a&password=hunter22", {"hunter22"}),
            ("tls=true&tlsCertificateKeyFilePassword=a%2Fb+c", {"a%2Fb+c", "a/b+c", "a/b c"}),
            ("sslpassword=hunter22;sslmode=require", {"hunter22", "hunter22;sslmode=require"}),
            ("authMechanismProperties=AWS_SESSION_TOKEN:hunter22,SERVICE_NAME:mongodb", {"hunter22"}),
            ("authMechanismProperties=SERVICE_NAME%3Amongodb%2CAWS_SESSION_TOKEN%3Ahunter22", {"hunter22"}),
            ("token_type=bearer&max_tokens=4096&secretVersion=12&token=hunter22&passwordExpirySeconds=86400", {"hunter22"}),
            ("pwd=1234567890", {"1234567890"}),
            ("api_key=hunter22&allowPublicKeyRetrieval=yes&authSource=admin&requireSecret=true", {"hunter22"}),
        ):
            url = f"postgresql://h/db?{query}"
            self.assertEqual(external.words_of([url]), {url, *hidden})


class Stub:
    """A server that answers each connection by a function of its socket."""

    def __init__(self, test, answer):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        test.addCleanup(self.socket.close)
        threading.Thread(target=self.run, args=(answer,), daemon=True).start()

    def run(self, answer):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                try:
                    answer(client)
                except OSError:
                    continue


class Probes(unittest.TestCase):
    """What a server must not say; that real ones are understood is proved on real nodes, but for those no distribution has."""

    def ask(self, answer=None, port=None, **changes):
        port = port or Stub(self, answer).port
        asked = {"host": "127.0.0.1", "port": port, "user": "", "password": "", "name": "", "path": "", "tls": "", "ca": "", "version": ""}
        return probe.ask({**asked, "of": "redis", "seconds": 1, **changes})

    def says(self, *lines):
        def answer(client):
            for line in lines:
                client.recv(4096)
                client.sendall(line)

        return answer

    def test_nobody_there_no_answer_and_no_such_name(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.assertEqual(self.ask(port=port), {"kind": "unreachable", "reason": "can't be reached: Connection refused"})
        slow = self.ask(lambda client: client.recv(9999) and threading.Event().wait(2))
        self.assertEqual(slow, {"kind": "slow", "reason": "did not answer within 1 s"})
        self.assertEqual(self.ask(port=1, host="nothing.invalid")["kind"], "unreachable")

    def test_a_server_of_another_kind_one_that_never_ends_and_one_that_hangs_up(self):
        for of in ("redis", "memcached", "postgres", "rabbitmq", "mongodb", "couchdb", "solr"):
            for said in (b"SSH-2.0-OpenSSH_9.6\r\n" * 9, b"", b"\0" * 4096, b"R\xff\xff\xff\xff" * 10):
                with self.subTest(of, said=said[:9]):
                    self.assertIn(self.ask(self.says(said), of=of, name="x", user="y")["kind"], ("protocol", "slow", "unreachable"))

        def endless(client):
            while True:
                client.sendall(b"x" * 65536)

        self.assertEqual(self.ask(endless)["reason"], "says more than such a service should")
        self.assertEqual(self.ask(endless, tls="verify")["kind"], "tls")

    def test_what_nobody_thought_of_is_told_as_a_refusal_and_so_is_an_authority_that_is_none(self):
        with mock.patch("silver.probe.redis.hello", side_effect=KeyError("x")):
            self.assertEqual(self.ask(self.says()), {"kind": "protocol", "reason": "says what nobody understands (KeyError)"})
        for authority in ("garbage", "-----BEGIN CERTIFICATE-----\nö\n-----END CERTIFICATE-----\n"):
            found = self.ask(self.says(), tls="verify", ca=authority)
            self.assertEqual(found, {"kind": "tls", "reason": "can't be checked: its ca is not a certificate"})
        self.assertEqual(self.ask(port=1, host="a" * 64 + ".net")["kind"], "unreachable")

    def test_control_characters_of_a_server_go_nowhere(self):
        found = self.ask(self.says(b"-WRONGPASS \x1b]0;evil\x07no\r\n"), password="x")
        self.assertEqual(found, {"kind": "credential", "reason": "refuses AUTH: WRONGPASS ?]0;evil?no"})

    def test_redis_logs_in_chooses_its_database_and_tells_its_version(self):
        info = b"# Server\r\nredis_version:7.0.15\r\n"
        lines = [b"+OK\r\n", b"+OK\r\n", b"+PONG\r\n", b"$%d\r\n%s\r\n" % (len(info), info)]
        self.assertEqual(self.ask(self.says(*lines), password="x", name="1"), {"version": "7.0.15"})
        self.assertEqual(self.ask(self.says(b"+PONG\r\n", b"-NOPERM no\r\n")), {"version": None})
        self.assertEqual(self.ask(self.says(b"-NOAUTH Authentication required.\r\n"))["kind"], "credential")
        self.assertEqual(self.ask(self.says(b"-LOADING wait\r\n"))["kind"], "busy")
        self.assertEqual(self.ask(self.says(b"-ERR DB index is out of range\r\n"), name="99")["kind"], "name")

    def test_another_version_is_refused(self):
        answer = self.says(b"VERSION 1.6.24\r\n")
        self.assertEqual(self.ask(answer, of="memcached", version="1.6"), {"version": "1.6.24"})
        self.assertEqual(self.ask(answer, of="memcached", version="1")["version"], "1.6.24")
        refused = {"kind": "version", "reason": "is version 1.6.24, and not 1.5"}
        self.assertEqual(self.ask(answer, of="memcached", version="1.5"), refused)
        self.assertEqual(self.ask(self.says(b"+PONG\r\n", b"-NOPERM\r\n"), version="7")["kind"], "version")
        self.assertFalse(probe.is_of("16.4", "1"))

    def test_mongodb_tells_its_version_before_anybody_logs_in(self):
        def answer(client):
            asked = client.recv(4096)
            (number,) = struct.unpack_from("<i", asked, 4)
            self.assertEqual(struct.unpack_from("<i", asked)[0], len(asked))
            fields = b"\x02version\0" + struct.pack("<i", 6) + b"7.0.5\0" + b"\x01ok\0" + struct.pack("<d", 1.0)
            document = struct.pack("<i", len(fields) + 5) + fields + b"\0"
            body = struct.pack("<i", 0) + b"\0" + document
            client.sendall(struct.pack("<iiii", len(body) + 16, 9, number, 2013) + body)

        self.assertEqual(self.ask(answer, of="mongodb"), {"version": "7.0.5"})

    def broker(self, *after, asked=None):
        """A server of AMQP: after its first word and the login it says these methods, one for each that it is sent."""

        def frame(method, arguments=b""):
            return struct.pack("!BHIHH", 1, 0, len(arguments) + 4, 10, method) + arguments + b"\xce"

        def answer(client):
            client.recv(8)
            table = b"\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x063.12.1"
            client.sendall(frame(10, b"\0\x09" + struct.pack("!I", len(table)) + table + b"\0\0\0\x05PLAIN\0\0\0\x05en_US"))
            for method, arguments in after:
                asked.append(client.recv(4096)) if asked is not None else client.recv(4096)
                # A sign of life in between.
                client.sendall(b"\x08\0\0\0\0\0\0\xce" + frame(method, arguments))
            client.recv(4096)

        return answer

    def test_rabbitmq_logs_in_opens_its_virtual_host_and_tells_its_version(self):
        asked, login = [], {"of": "rabbitmq", "name": "/", "user": "a", "password": "b"}
        tune = (30, b"\x07\xff\0\x02\0\0\0\x3c")
        self.assertEqual(self.ask(self.broker(tune, (41, b"\0"), asked=asked), **login), {"version": "3.12.1"})
        self.assertIn(b"\x05PLAIN\0\0\0\x04\0a\0b\x05en_US\xce", asked[0])
        self.assertTrue(asked[1].endswith(b"\0\x0a\0\x28\x01/\0\0\xce"))
        close = lambda why: (50, struct.pack("!HB", 530, len(why)) + why.encode() + b"\0\0\0\0")  # noqa: E731
        for words, kind in (
            ("NOT_ALLOWED - vhost x not found", "name"),
            ("NOT_ALLOWED - access to vhost 'x' refused for user 'a'", "credential"),
            ("NOT_ALLOWED - access to vhost 'x' refused for user 'a': connection limit (9) is reached", "busy"),
            ("NOT_ALLOWED - vhost 'x' is down", "busy"),
            ("\x1b[2J", "protocol"),
        ):
            found = self.ask(self.broker(tune, close(words)), **login)
            self.assertEqual(found, {"kind": kind, "reason": f"refuses: {words}".replace("\x1b", "?")})
        refused = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
        self.assertEqual(self.ask(self.broker(close(refused)), **login)["kind"], "credential")
        self.assertEqual(self.ask(self.broker((20, b"")), **login)["kind"], "credential")

    def pages(self, pages, login=None):
        """A server of HTTP: path → status and body."""

        def answer(client):
            asked = client.recv(4096).decode()
            path = asked.split()[1]
            status, body = pages.get(path, (404, "{}"))
            if login and f"Authorization: Basic {login}" not in asked:
                status, body = 401, "{}"
            client.sendall(f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())

        return answer

    def test_couchdb_and_solr_answer_as_the_user(self):
        couch = self.pages({"/blog": (200, '{"db_name":"blog"}'), "/": (200, '{"couchdb":"Welcome","version":"3.3.3"}')}, "YTpi")
        asked = {"of": "couchdb", "name": "blog", "user": "a"}
        self.assertEqual(self.ask(couch, password="b", **asked), {"version": "3.3.3"})
        self.assertEqual(self.ask(couch, password="c", **asked)["kind"], "credential")
        self.assertEqual(self.ask(couch, password="b", **{**asked, "name": "none"})["kind"], "name")
        solr = self.pages({"/solr/blog/admin/ping?wt=json": (200, '{"status":"OK"}')})
        self.assertEqual(self.ask(solr, of="solr", name="blog", path="/solr/blog"), {"version": None})
        self.assertEqual(self.ask(solr, of="solr", name="none", path="/solr/none")["kind"], "name")

    def test_a_page_whose_chunks_have_no_size_takes_no_memory(self):
        sent = []

        def flood(client):
            client.recv(4096)
            client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")
            while len(sent) < 64:
                client.sendall(bytes(1 << 20))
                sent.append(None)

        found = self.ask(flood, of="couchdb", name="blog", seconds=5)
        self.assertRegex(found["reason"], "^does not speak HTTP: ")
        self.assertLess(len(sent), 64)

    def test_postgres_without_tls_or_with_a_refusal(self):
        self.assertEqual(self.ask(self.says(b"N"), of="postgres", user="a", tls="verify"), {"kind": "tls", "reason": "has no TLS"})
        for state, kind in (("28P01", "credential"), ("3D000", "name"), ("57P03", "busy")):
            body = f"SFATAL\0C{state}\0Mno\0\0".encode()
            said = b"E" + struct.pack("!i", len(body) + 4) + body
            self.assertEqual(self.ask(self.says(said), of="postgres", user="a"), {"kind": kind, "reason": "refuses: no"})


class OnANode(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()
        self.asked, self.found = [], {"version": "7.0.15"}
        self.machine.runuser = self.runuser

    def runuser(self, *words, stdin=""):
        who, program = ran_as(words)
        self.assertEqual(who, ("site-hello", "site-hello"))
        self.assertEqual((program[0], program[-1]), ("python3", "probe"))
        self.asked.append(json.loads(stdin))
        return self.found if isinstance(self.found, Done) else json.dumps(self.found)

    def wanted(self, **changes):
        options = {**BASE, **changes}
        variables = {"CONFIG_REDIS_URL": "@URL@", "CONFIG_REDIS_CA": "@CA@"}
        return {"type": "external", "name": "cache", "packages": [], "options": options, "variables": variables}

    def held(self):
        return self.lease(self.release(self.app()))

    def set_up(self, value="hunter22", held=None, **changes):
        held = held or self.held()
        secrets = {"CONFIG_CACHE_PASSWORD": value}
        return self.ask("set-up", **held, services=[self.wanted(**changes)], secrets=secrets)["variables"]

    def test_it_is_asked_as_the_site_and_the_secret_goes_by_stdin_alone(self):
        held = self.held()
        before = set(os.listdir(self.paths.site("hello")))
        self.ask("reach", **held, services=[self.wanted()], secrets={"CONFIG_CACHE_PASSWORD": "hunter22"})
        self.assertEqual(self.asked[0]["password"], "hunter22")
        self.assertNotIn("hunter22", " ".join(self.machine.calls))
        self.assertEqual(set(os.listdir(self.paths.site("hello"))), before)

    def test_what_does_not_answer_is_named_with_its_address_and_what_to_do_and_without_its_secret(self):
        held = self.held()
        for kind in probe.KINDS:
            self.found = {"kind": kind, "reason": "refuses AUTH: invalid hunter22"}
            error = self.refused("service", "reach", **held, services=[self.wanted()], secrets={"CONFIG_CACHE_PASSWORD": "hunter22"})
            self.assertEqual(error.message, "service cache (redis) at cache.acme.net:6379 refuses AUTH: invalid [secret]")
            self.assertRegex(error.fix, r"\bhello\b|try again")

    def test_one_that_is_ended_by_its_clock_and_one_that_says_nothing_of_use_are_told_apart(self):
        held = self.held()
        ended = "can't be asked: the program that asks it"
        for found, words in (
            (Done(-14, "", ""), "did not answer within 10 s"),
            (Done(142, "", ""), "did not answer within 10 s"),
            (Done(1, "", "Traceback"), f"{ended} ended (exit code 1)"),
            (Done(137, "", ""), f"{ended} ended (exit code 137)"),
            *((said, f"{ended} did not say what it found") for said in ([], {}, {"version": 7}, {"kind": "x", "reason": ""})),
            ({"kind": "tls"}, f"{ended} did not say what it found"),
            ({"kind": "busy", "reason": "is\x1b[2J away"}, "is?[2J away"),
        ):
            self.found = found
            error = self.refused("service", "reach", **held, services=[self.wanted()], secrets={"CONFIG_CACHE_PASSWORD": "hunter22"})
            self.assertEqual(error.message, f"service cache (redis) at cache.acme.net:6379 {words}")

    def test_its_variables_are_made_here_and_its_secret_is_hidden_from_then_on_also_once_it_is_another(self):
        self.assertEqual(self.set_up(), {"CONFIG_REDIS_URL": "redis://:hunter22@cache.acme.net:6379", "CONFIG_REDIS_CA": ""})
        self.assertEqual(os.stat(self.paths.external_secrets("hello")).st_mode & 0o777, 0o600)
        self.assertEqual(self.set_up("other333", held=self.again())["CONFIG_REDIS_URL"], "redis://:other333@cache.acme.net:6379")
        lines = redact.site_lines(self.node, "hello", ["hunter22 and other333"])
        self.assertEqual(lines, ["[secret] and [secret]"])

    def again(self):
        self.session.give_back("hello")
        return self.held()

    def test_its_authority_is_a_file_which_goes_with_it(self):
        found = self.set_up(tls=1, ca="-----BEGIN CERTIFICATE-----\n")
        path = "/etc/silver/external/hello.cache.pem"
        self.assertEqual(found["CONFIG_REDIS_CA"], path)
        self.assertIn(f"ssl_ca_certs={path}", found["CONFIG_REDIS_URL"])
        self.assertEqual(os.stat(self.paths.at(path)).st_mode & 0o777, 0o644)
        self.ask("set-up", **self.again(), services=[])
        self.assertFalse(os.path.exists(self.paths.at(path)))
        self.assertEqual(external.secrets(self.node, "hello"), {})

    def test_no_authority_of_a_site_is_another_site_s_whatever_the_services_are_called(self):
        one = Use("shop", 1, "eu-db", {}, "external")
        self.assertNotEqual(service.own_authorities(one), service.own_authorities(one._replace(site="shop-eu", name="db")))

    def test_a_second_set_up_changes_nothing_and_a_status_has_its_place(self):
        self.roll_out()
        self.set_up()
        again = self.ask("set-up", **self.again(), services=[self.wanted()], secrets={"CONFIG_CACHE_PASSWORD": "hunter22"})
        self.assertEqual(again["changes"], [])
        (seen,) = self.site_state()["services"]
        expected = {"name": "cache", "type": "redis", "bytes": 0, "limit": 0, "problem": None, "place": "cache.acme.net:6379"}
        self.assertEqual(seen, expected)
        self.assertEqual(self.asked, [])

    def test_several_stand_side_by_side_and_a_service_that_was_here_gives_way_and_keeps_its_data(self):
        other = {**self.wanted(host="b.acme.net"), "name": "queue", "variables": {"CONFIG_QUEUE_URL": "@URL@"}}
        self.ask("set-up", **self.held(), services=[self.wanted(), other], secrets={"CONFIG_CACHE_PASSWORD": "hunter22"})
        self.assertEqual([each["name"] for each in site_services.recorded(self.node, "hello")], ["cache", "queue"])
        record = site_services.recorded(self.node, "hello")
        old = {"type": "memcached", "name": "cache", "options": {"bytes": 1}, "packages": [], "variables": {"CONFIG_REDIS_URL": "@SOCKET@"}}
        files.write_json(self.paths.services("hello"), [*record, old])
        self.assertEqual(site_services.variables(self.node, "hello", "x")["CONFIG_REDIS_URL"], "redis://:hunter22@cache.acme.net:6379")

    def test_a_site_whose_service_is_away_says_so_when_it_is_asked_and_serves_on(self):
        self.set_up()
        self.assertEqual(site_services.away(self.node, "hello"), [])
        self.found = {"kind": "slow", "reason": "did not answer within 3 s"}
        problem = "failing: cache.acme.net:6379 did not answer within 3 s"
        self.assertEqual(site_services.away(self.node, "hello"), [f"its service cache is {problem}"])
        self.assertIn(problem, site_services.remark(self.node, "hello"))
        self.assertEqual(self.asked[-1]["seconds"], 3)

    def test_a_first_rollout_that_fails_leaves_nothing_of_it(self):
        held = self.held()
        self.set_up(held=held, tls=1, ca="-----BEGIN CERTIFICATE-----\n")
        self.ask("undo", **held, reason="for a test")
        self.assertFalse(os.path.exists(self.paths.external_secrets("hello")))
        self.assertFalse(os.path.exists(self.paths.at("/etc/silver/external/hello.cache.pem")))

    def test_a_lost_secret_is_told_and_keeps_no_rollout_away(self):
        self.set_up()
        record = [{"type": "external", "name": "cache", "options": {**BASE, **URL}, "packages": [], "variables": {}}]
        files.write_json(self.paths.services("hello"), record)
        self.place("/srv/silver/hello/external.json", "garbage")
        self.assertEqual(self.site_state()["services"][0]["place"], "unknown")
        use = Use("hello", 1, "cache", {**BASE, **URL})
        self.assertIn("failing: CONFIG_DB_URL is not the URL", service.health(self.node, use))


if __name__ == "__main__":
    unittest.main()

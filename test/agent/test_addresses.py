from support import NodeTest

from silver import addresses, files, firewall


class Addresses(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()

    def test_every_number_is_an_address_and_port_of_its_own(self):
        places = [addresses.place(number) for number in range(1, addresses.COUNT + 1)]
        self.assertEqual(len({place["address"] for place in places}), addresses.COUNT)
        self.assertEqual(len({place["port"] for place in places}), addresses.COUNT)
        ports = [place["port"] for place in places]
        self.assertEqual((min(ports), max(ports)), (addresses.PORTS["first"], addresses.PORTS["last"]))
        # From here on every kernel chooses by default.
        self.assertLess(max(ports), 32768)
        for place in places:
            first, second, third, fourth = map(int, place["address"].split("."))
            self.assertTrue((first, second) == (127, 64) and third < 256 and 0 < fourth < 255, place)

    def test_a_release_keeps_its_address_and_a_freed_one_comes_back_late(self):
        one = addresses.take(self.node, "hello", "a")
        self.assertEqual(addresses.take(self.node, "hello", "a"), one)
        addresses.give_back(self.node, "hello", "a")
        self.assertNotEqual(addresses.take(self.node, "hello", "b"), one)

    def test_an_address_somebody_listens_on_is_left_out(self):
        import socket

        files.write_json(addresses.table_path(self.node), {"next": 12_000, "taken": {}})
        with socket.socket() as impostor:
            wanted = addresses.place(12_000)
            impostor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            impostor.bind((wanted["address"], wanted["port"]))
            impostor.listen()
            self.assertNotEqual(addresses.take(self.node, "hello", "a"), wanted)

    def test_the_table_starts_anew_at_its_end(self):
        files.write_json(addresses.table_path(self.node), {"next": addresses.COUNT, "taken": {}})
        self.assertEqual(addresses.take(self.node, "hello", "a"), addresses.place(addresses.COUNT))
        self.assertLess(addresses.take(self.node, "hello", "b")["port"], 20_100)


class Firewall(NodeTest):
    def test_it_opens_to_a_release_s_user_and_closes_after_it(self):
        self.converge()
        release = self.roll_out()
        place = addresses.find(self.node, "hello", release["id"])
        uid, _ = self.node.ids("site-hello")
        element = f"{place['address']} . {place['port']} . {uid}"
        first, flush = firewall.NEW_SETS, "".join(f"flush set inet silver {name}\n" for name in ("answerers", "askers", "sites"))
        added = f"add element inet silver answerers {{ {element} }}\nadd element inet silver sites {{ {uid} }}\n"
        self.assertEqual(self.text("/var/lib/silver/firewall.nft"), first + added)
        self.assertEqual(self.machine.rules[-1], first + flush + added)
        held = self.lease(release)
        self.ask("remove", **held)
        self.assertEqual(self.text("/var/lib/silver/firewall.nft"), first)
        self.assertEqual(self.machine.rules[-1], first + flush)

    def test_it_opens_a_server_to_its_site_alone_and_closes_it_for_a_while(self):
        self.converge()
        self.machine.users.add("pg-hello")
        place = addresses.take(self.node, "hello", "postgres-g1", "pg-hello")
        self.assertRegex(place["address"], r"^127\.65\.")
        (site, _), (server, _) = self.node.ids("site-hello"), self.node.ids("pg-hello")
        at = f"{place['address']} . {place['port']}"
        self.assertTrue(firewall.update(self.node))
        self.assertIn(f"add element inet silver answerers {{ {at} . {server} }}\n", self.machine.rules[-1])
        self.assertIn(f"add element inet silver askers {{ {at} . {site} }}\n", self.machine.rules[-1])
        self.assertTrue(addresses.close(self.node, "hello", "postgres-g1", True))
        self.assertFalse(addresses.close(self.node, "hello", "postgres-g1", True))
        firewall.update(self.node)
        self.assertNotIn("add element inet silver askers", self.machine.rules[-1])
        self.assertIn("add element inet silver answerers", self.machine.rules[-1])

    def test_a_server_and_a_release_have_no_port_in_common(self):
        places = [addresses.take(self.node, "hello", "a"), addresses.take(self.node, "hello", "postgres-g1", "pg-hello")]
        self.assertEqual([place["port"] for place in places], [20001, 20002])
        self.assertEqual(addresses.take(self.node, "hello", "postgres-g1", "pg-hello"), places[1])
        self.assertTrue(addresses.give_back(self.node, "hello", "postgres-g1"))
        self.assertFalse(addresses.give_back(self.node, "hello", "postgres-g1"))

    def test_nothing_is_loaded_when_nothing_changed(self):
        self.converge()
        self.roll_out()
        self.machine.rules.clear()
        self.assertFalse(firewall.update(self.node))
        self.assertEqual(self.machine.rules, [])

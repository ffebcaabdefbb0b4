"""The demo's own promises: two nodes on one address, kept running, and nothing left after it."""

from tests.support.waiting import wait_for


def test_both_nodes_answer_on_one_address(mall_farm):
    assert wait_for(mall_farm.both_answer, "both nodes")


def test_killed_programs_come_back(mall_farm):
    for name in ("web1", "worker", "dispatchd", "beat", "http-department", "sftpd"):
        before = mall_farm.kill(name)
        wait_for(lambda name=name, before=before: mall_farm.pids[name] != before, f"{name} to come back")
        assert f"{name} was ended by signal 9" in mall_farm.log
    assert wait_for(mall_farm.both_answer, "both nodes")


def test_no_request_lost_while_a_node_is_down(mall_farm):
    mall_farm.kill("web2")
    for _ in range(30):
        assert mall_farm.answers() in {"web1", "web2"}
    assert wait_for(mall_farm.both_answer, "both nodes")

"""Whatever senders, holders and clocks do, no delivery is lost, and none is in two hands at once."""

from __future__ import annotations

import time

import fakeredis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from producers.hooks.deliveries import (
    DELIVERY,
    DUE,
    KEYS,
    UNDER_WAY,
    Claim,
    Deliveries,
    DeliveryOptions,
    Settlement,
)
from producers.hooks.events import Event
from producers.hooks.ledger import Ledger
from producers.hooks.posting import Attempt
from producers.hooks.views import DeliveryState, Replay
from producers.web.webhook import Webhook, new_secret

OPTIONS = DeliveryOptions(lease=60.0, at_once=3)
WEBHOOK = Webhook.model_validate({"url": "https://x.example/", "secrets": [{"secret": new_secret()}]})
STATUSES = st.sampled_from([200, 200, 500, 503, 410, None])


class Senders(RuleBasedStateMachine):
    """Two senders that die and freeze as they like, and the holder of the key."""

    @initialize()
    def begin(self) -> None:
        self.redis = fakeredis.FakeRedis()
        self.deliveries = Deliveries(self.redis, options=OPTIONS)
        self.ledger = Ledger(self.redis, options=OPTIONS)
        self.made: set[str] = set()
        self.claims: list[Claim] = []
        self.held: set[str] = set()

    @rule(number=st.integers(0, 5))
    def admit(self, number: int) -> None:
        """Read an end, perhaps once more."""
        event = Event(f"evt_m{number}_1", "shop", "email.sent", b"{}", f"m{number}")
        is_new = self.deliveries.admit([event]) == 1
        assert is_new == (event.delivery_id not in self.made)
        self.made.add(event.delivery_id)

    @rule()
    def claim(self) -> None:
        """Take what is due; nothing is in two hands at once."""
        found = self.deliveries.claim({"shop": WEBHOOK.fingerprint})
        taken = {claim.delivery_id for claim in found}
        assert len(taken) == len(found)
        assert taken.isdisjoint(self.held)
        self.held |= taken
        self.claims += found

    @rule(data=st.data(), status=STATUSES, wait=st.sampled_from([0.0, 60.0, None]))
    def settle(self, data: st.DataObject, status: int | None, wait: float | None) -> None:
        """Settle any claim that ever was, late ones included."""
        if not self.claims:
            return
        claim = data.draw(st.sampled_from(self.claims))
        self.claims.remove(claim)
        before = self.ledger.get(claim.delivery_id)
        is_late = self.redis.hget(DELIVERY + claim.delivery_id, "claim") != str(claim.number).encode()
        attempt = Attempt(at=0.0, seconds=0.0, status=status)
        self.deliveries.settle([Settlement(claim, attempt, WEBHOOK.fingerprint, wait)])
        after = self.ledger.get(claim.delivery_id)
        assert before is not None
        assert after is not None
        if attempt.is_delivered:
            assert after.state is DeliveryState.DELIVERED
        elif is_late:
            assert (after.state, after.due) == (before.state, before.due)
        if not is_late:
            self.held.discard(claim.delivery_id)

    @rule()
    def let_time_pass(self) -> None:
        """Have all leases end, and all waits."""
        for queue in (DUE, UNDER_WAY):
            members = self.redis.zrange(f"{queue}shop", 0, -1)
            if members:
                self.redis.zadd(f"{queue}shop", dict.fromkeys(members, 1))
        if self.redis.zcard(f"{DUE}shop"):
            self.redis.zadd(KEYS, {"shop": 1})
        self.held.clear()

    @rule(number=st.integers(0, 5))
    def replay(self, number: int) -> None:
        """Have one made again."""
        delivery_id = f"evt_m{number}_1"
        outcome = self.ledger.replay(delivery_id, key_id="shop", webhook=WEBHOOK)
        assert (outcome is Replay.MISSING) == (delivery_id not in self.made)

    @rule()
    def try_out(self) -> None:
        """Try the webhook out."""
        self.made.add(self.ledger.try_out("shop"))

    @invariant()
    def each_delivery_waits_or_has_ended(self) -> None:
        waiting = {each.decode() for each in self.redis.zrange(f"{DUE}shop", 0, -1)}
        for delivery_id in self.made:
            delivery = self.ledger.get(delivery_id)
            assert delivery is not None
            assert (delivery.state is DeliveryState.PENDING) == (delivery_id in waiting), delivery

    @invariant()
    def a_key_is_looked_at_when_one_of_its_deliveries_can_be_taken(self) -> None:
        assert (self.redis.zscore(KEYS, "shop") is not None) == bool(self.redis.zcard(f"{DUE}shop"))
        now = time.time() * 1000
        most = 1 if self.ledger.health("shop", WEBHOOK).failing_since else OPTIONS.at_once
        has_room = self.redis.zcount(f"{UNDER_WAY}shop", now, "+inf") < most
        if has_room and self.redis.zcount(f"{DUE}shop", "-inf", now - 1000):
            assert self.redis.zscore(KEYS, "shop") <= now


Senders.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSenders = Senders.TestCase

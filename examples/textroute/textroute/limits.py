"""Rate limits: how often somebody may do something. The clock is passed in."""

from collections import deque


class SlidingWindow:
    """Allows `limit` events within any `period` seconds, per key."""

    def __init__(self, limit, period):
        if limit < 1 or period <= 0:
            raise ValueError("limit and period must be positive")
        self.limit = limit
        self.period = period
        self._events = {}

    def _recent(self, key, now):
        events = self._events.setdefault(key, deque())
        while events and now - events[0] >= self.period:
            events.popleft()
        return events

    def allow(self, key, now):
        """Whether one more event is allowed now; if so, it is counted."""
        events = self._recent(key, now)
        if len(events) >= self.limit:
            return False
        events.append(now)
        return True

    def remaining(self, key, now):
        """How many more events are allowed now."""
        return self.limit - len(self._recent(key, now))

    def retry_after(self, key, now):
        """Seconds until the next event is allowed; 0 when it is allowed now."""
        events = self._recent(key, now)
        if len(events) < self.limit:
            return 0
        return events[-1] + self.period - now

    def forget_idle(self, now):
        """Drop the keys without recent events; returns how many were dropped."""
        idle = [key for key in self._events if not self._recent(key, now)]
        for key in idle:
            del self._events[key]
        return len(idle)


def backoff(attempt, base=1.0, factor=2.0, limit=60.0):
    """Seconds to wait before attempt number `attempt` (from 1): nothing first, then growing up to a limit."""
    if attempt <= 1:
        return 0.0
    return min(limit, base * factor ** (attempt - 2))

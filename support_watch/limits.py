"""The feed's numbers, each with its reason."""

# Presence: a page's entry lives 50 s; its heartbeat renews it three times within that.
TTL_MS = 50_000
BEAT_MS = 15_000
AWAY_TTL_MS = 150_000  # of a hidden tab: browsers let its timers run once a minute, so one beat may be lost
IDLE_AFTER_MS = 120_000  # without a key, a pointer or a scroll a page that is visible counts as idle
GRACE_MS = 5_000  # after pagehide, so that a reload does not flicker
IDLE_MS = 1_800_000  # the same shopper after half an hour is a new visit
TOKEN_SECONDS = 43_200  # how long a page that stays open may speak for its visit
PAGES_AT_ONCE = 5  # vendors that a page of the mall, such as its cart, is announced to

# The stream: a staff page that returns within this many events, or a day, misses nothing.
KEEP_EVENTS = 10_000
KEEP_ACCESS_EVENTS = 1_000  # of changed permissions; whoever missed more is asked every RECHECK_SECONDS anyway
SWEEP_SECONDS = 1.0
SWEEP_BATCH = 200
RELAY_SECONDS = 2.0

# The shopper's page waits for Redis this long, then not at all for as long as the breaker is open.
WRITE_TIMEOUT = 0.05
BREAKER_SECONDS = 5.0
BEACON_TIMEOUT = 1.0  # a departure is said once, so a slow answer must not lose it

# Sockets and streams.
QUEUE = 256  # back-pressure: messages that a slow screen may lag behind before it is resynced
REPLAY_BATCH = 500
HEARTBEAT_SECONDS = 5.0
RECHECK_SECONDS = 5.0  # between two checks of a screen's access; a change of permissions is delivered at once besides
MESSAGE_BYTES = 4096
OPERATIONS_PER_SECOND = 10  # the rate limit of one socket
SCREENS_PER_USER = 5  # sockets and streams together
SLOT_SECONDS = 15  # a screen whose process was killed frees its slot after this

# Claims.
CLAIM_SECONDS = 60  # a claim ends this long after its holder's last screen was closed
SEEN_SECONDS = 15  # how often an open screen renews its user's claims

# Vendors' own programs.
REQUESTS_PER_MINUTE = 120  # of one key, over the whole farm
STREAMS_PER_KEY = 3

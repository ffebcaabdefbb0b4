"""The feed's numbers, each with its reason."""

# Presence: a page's entry lives 50 s; its heartbeat renews it three times within that.
TTL_MS = 50_000
BEAT_MS = 15_000
GRACE_MS = 5_000  # after pagehide, so that a reload does not flicker
IDLE_MS = 1_800_000  # the same shopper after half an hour is a new visit
TOKEN_SECONDS = 43_200  # how long a page that stays open may speak for its visit

# The stream: a staff page that returns within this many events, or a day, misses nothing.
KEEP_EVENTS = 10_000
SWEEP_SECONDS = 1.0
SWEEP_BATCH = 200
RELAY_SECONDS = 2.0

# The shopper's page waits for Redis this long, then not at all for as long as the breaker is open.
WRITE_TIMEOUT = 0.05
BREAKER_SECONDS = 5.0
BEACON_TIMEOUT = 1.0  # a departure is said once, so a slow answer must not lose it

# Sockets.
QUEUE = 256  # back-pressure: messages that a slow socket may lag behind before it is resynced
REPLAY_BATCH = 500
HEARTBEAT_SECONDS = 5.0
RECHECK_SECONDS = 3.0  # between two checks of a socket's access; must stay below 5 s
MESSAGE_BYTES = 4096
OPERATIONS_PER_SECOND = 10  # the rate limit of one socket
SOCKETS_PER_USER = 5
SLOT_SECONDS = 15  # a socket whose process was killed frees its slot after this

"""The project's settings: one file, in the order of Django's documentation, values from the environment.

Every variable that is read here is listed in deploy/env.example. A secret may come from a file: NAME_FILE=/path.
"""

from pathlib import Path

from django.utils.csp import CSP

from mall import database, environment
from sessions_farm.stores.redis.address import read_address
from support_watch import limits
from vendors import task_queue

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.Env()

# Core
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DATA_DIR = Path(env.str("MALL_DATA", default=str(BASE_DIR / ".data")))
NODE = env.str("NODE", default="")  # the machine's own name where it is empty (mall.node)
DEMO = env.bool("DEMO", default=False)  # shows the demo's sign-ins and developers' figures

# The registry of domains decides which hosts are served (sessions_farm.communities.middleware), not this list:
# vendors come and go while the farm runs.
ALLOWED_HOSTS = ["*"]
PUBLIC_SCHEME = env.str("PUBLIC_SCHEME", default="http")
PUBLIC_PORT = env.int("PUBLIC_PORT", default=8000)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
OPS_TOKEN = env.str("OPS_TOKEN", default="")  # opens /metrics and the TLS ask endpoint

INSTALLED_APPS = [
    "mall.accounts",
    "sessions_farm",
    "sessions_farm.communities",
    "vendors",
    "vendors.jobs",
    "cart",
    "cart.orders",
    "cart.letters",
    "cart.stock_alerts",
    "cart.checkout.payments.sandbox",
    "cart.checkout.payments.manual",
    "cart.aftersale",
    "shipping",
    "support_watch",
    "mall",
    "mall.admin_site.apps.MallAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.sitemaps",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "auditlog",
    "channels",
    "django_countries",
    "django_htmx",
    "django_structlog",
]

MIDDLEWARE = [
    *(["mall.compression.CompressionMiddleware"] if DEMO else []),  # the farm's balancer compresses
    "mall.node.NodeMiddleware",
    "mall.metrics.MetricsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "sessions_farm.communities.middleware.HostMiddleware",
    "mall.language.LanguageMiddleware",
    "mall.nul.NoNulMiddleware",
    "mall.database_unavailable.DatabaseUnavailableMiddleware",
    "sessions_farm.web.middleware.StrictCookies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "mall.csp.FormActionMiddleware",  # inside: the policy is written from what it leaves on the response
    "mall.onward.OnwardMiddleware",
    "sessions_farm.communities.cookieless.CookielessMiddleware",  # for communities that switch it on
    "sessions_farm.web.middleware.SessionMiddleware",
    "sessions_farm.communities.handoff.middleware.HandoffMiddleware",
    "vendors.middleware.StorefrontMiddleware",
    "mall.language.ChosenLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mall.accounts.impersonation.ImpersonationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "mall.audit.AuditMiddleware",
    "support_watch.middleware.WatchMiddleware",
]

ROOT_URLCONF = "mall.urls"
STORE_URLCONF = "mall.urls_store"
ASGI_APPLICATION = "mall.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "vendors.context_processors.storefront",
                "cart.context_processors.cart",
                "mall.context_processors.frame",
            ],
        },
    },
]

# Data
DB_POOL = env.int("DB_POOL", default=8)  # connections of a web node's process; 0 for workers and commands
DB_POOLER = env.bool("DB_POOLER", default=False)  # the address is that of a transaction pooler, such as PgBouncer
DATABASES = {"default": database.configured(env.db("DATABASE_URL"), pool=DB_POOL, is_pooler=DB_POOLER)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL")
CACHE_URL = env.str("CACHE_URL", default=REDIS_URL)
for _name, _url in (("REDIS_URL", REDIS_URL), ("CACHE_URL", CACHE_URL)):
    read_address(_url, _name)  # a faulty one ends the process here, and not the first page that needs it
CACHES = {
    "default": {
        "BACKEND": "mall.cache.Cache",
        "LOCATION": [CACHE_URL],  # django-redis would cut a text at the commas between Sentinels
        "KEY_PREFIX": "cache",
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "CONNECTION_FACTORY": "mall.cache.ConnectionFactory",
            "IGNORE_EXCEPTIONS": True,
            # Stock pickles would hand every node to whoever can write to the cache.
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        },
    }
}

# People
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["mall.accounts.backends.MallBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "mall.accounts.adapter.AccountAdapter"
# A sign-up answers alike whether there is an account: by a letter to its owner. So an address is confirmed first.
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True  # the way in for an owner whose account strangers guess at
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a letter says what was changed, for whoever did not do it
ACCOUNT_LOGOUT_ON_GET = False
# Besides allauth's own. The key of ``login_failed`` is an account, over all networks; that of ``login_failed_device`` a
# browser that has signed in to it before. Right passwords use up nothing.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": "10/m/ip,5/300s/key",
    "login_failed_device": "10/300s/key",
    "find_order": "10/h/ip",
}
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # an open browser alone changes neither addresses nor the password
# The second factor, for whoever wants it, and for staff who act in another's name (mall.accounts.impersonation).
MFA_ADAPTER = "mall.accounts.mfa.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = PUBLIC_SCHEME == "http"  # browsers themselves allow that on localhost alone
MFA_TOTP_ISSUER = "The mall"
MFA_RECOVERY_CODES_SHOW_ONCE = True

# Sessions
SESSION_ENGINE = "sessions_farm.engine"
SESSION_COOKIE_SECURE = PUBLIC_SCHEME == "https"
SESSIONS_FARM = {
    "STORE": "tiered",
    "REDIS_URL": REDIS_URL,
    "VARIABLES": {
        "checkout_*": {"guarded": True},
        "_device": {"shared": True},
        "impersonation": {"guarded": True},
        "support_consent": {"shared": True},
        "deliver_to": {"shared": True},
        "recently_viewed": {"ttl": 30 * 24 * 3600},
    },
}
SUPPORT_WATCH_KEYS = {"deliver_to": 1}  # shared variables that support desks see, with the consent that each needs
SUPPORT_WATCH_WRITE_TIMEOUT = env.float("SUPPORT_WATCH_WRITE_TIMEOUT", default=limits.WRITE_TIMEOUT)  # seconds
SESSIONS_FARM_COMMUNITIES = {
    "STAFF_OF": "vendors.staff.staff_of",
    "HOSTS_IN_USE": "vendors.storefronts.hosts_in_use",
    "EXTERNAL_FACTS": "mall.external.facts_for",
    "NAMESERVERS": tuple(env.list("DNS_SERVERS", default=[])),
    "ADDRESSES": tuple(env.list("PUBLIC_ADDRESSES", default=[])),
    "PROBE_SECONDS": env.float("PROBE_SECONDS", default=2.0),
    "PROBE_ADDRESS": env.str("PROBE_ADDRESS", default=""),
    "PROBE_CA": env.str("PROBE_CA", default=""),
}
CSRF_COOKIE_SECURE = PUBLIC_SCHEME == "https"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "mall.admin_site.kept_text.csrf_failure"
CSRF_COOKIE_NAME = "__Host-csrf" if CSRF_COOKIE_SECURE else "csrf"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Work in the background: Celery is the alarm clock, the rows are the queue.
_queue = task_queue.configured(env.str("BROKER_URL", default=REDIS_URL))
CELERY_BROKER_URL = _queue["url"]
CELERY_BROKER_USE_SSL = _queue["ssl"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ROUTES = {  # a long job or a department that hangs keeps no letter and no sweep waiting
    "jobs.*": {"queue": "jobs"},
    "shipping.*": {"queue": "dispatch"},
}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_throttle": 1,
    "unacked_restore_interval": 5,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "max_connections": 50,
    **_queue["options"],
}
CELERY_TASK_SOFT_TIME_LIMIT = 540  # seconds; a job, which lasts, has its own (vendors.jobs.tasks)
CELERY_TASK_TIME_LIMIT = 570  # before the broker gives the message to another worker
CELERY_BEAT_SCHEDULER = "mall.beat.Scheduler"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, object]] = {
    "dispatch-due": {"task": "shipping.drain_outbox", "schedule": 5.0},
    "sweep-checkouts": {"task": "mall.sweep_checkouts", "schedule": 60.0},
    "check-domains": {"task": "mall.check_domains", "schedule": 300.0},
    "sweep-sessions": {"task": "mall.sweep_sessions", "schedule": 2.0},
    "erase-orders": {"task": "mall.erase_orders", "schedule": 3600.0},
    "purge-old-rows": {"task": "mall.purge_old_rows", "schedule": 3600.0},
    "write-stock-alerts": {"task": "mall.write_stock_alerts", "schedule": 30.0},
    "refresh-cards": {"task": "vendors.refresh_cards", "schedule": 5.0},
    "sweep-jobs": {"task": "jobs.sweep_jobs", "schedule": 30.0},
    "delete-old-support-visits": {"task": "support_watch.delete_old_visits", "schedule": 3600.0},
}

# Outgoing
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env.str("SMTP_HOST", default="127.0.0.1"),
            "port": env.int("SMTP_PORT", default=25),
            "timeout": 20,
        },
    }
}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="mall@mall.localhost")
DISPATCH_MAILBOX = env.str("DISPATCH_MAILBOX", default="")  # imaps://user:password@host or pop3s://…: receipts, bounces
DROP_FOLDER_PORT = env.int("DROP_FOLDER_PORT", default=2022)  # of the SFTP server that departments fetch from
DROP_FOLDER_HOST_KEY = Path(env.str("DROP_FOLDER_HOST_KEY", default="") or DATA_DIR / "secrets" / "drop_folder_key")
DROP_FOLDER_PUBLIC_KEY = Path(env.str("DROP_FOLDER_PUBLIC_KEY", default="") or f"{DROP_FOLDER_HOST_KEY}.pub")
# What departments' programs may do in a minute; 0: without a limit (ADR 86).
PICKUP_REQUESTS_A_MINUTE = env.int("PICKUP_REQUESTS_A_MINUTE", default=1200)  # of a vendor, to the pickup API
DROP_FOLDER_REQUESTS_A_MINUTE = env.int("DROP_FOLDER_REQUESTS_A_MINUTE", default=6000)  # of a vendor, to its folder
DEPARTMENT_FAILURES_A_MINUTE = env.int("DEPARTMENT_FAILURES_A_MINUTE", default=60)  # failed sign-ins of a network
EGRESS_ALLOW = env.list("EGRESS_ALLOW", default=[])  # CIDR blocks besides the public Internet

# Shop
PAYMENT_GATEWAYS = {  # classes by name; the first is chosen where the shopper does not say
    "sandbox": "cart.checkout.payments.sandbox.gateway.Gateway",
    "manual": "cart.checkout.payments.manual.gateway.Gateway",
}
TRANSFER_DAYS = env.int("TRANSFER_DAYS", default=7)  # in which an order by bank transfer is paid, its goods kept
STOCK_HOLD_MINUTES = 15
# How long things are kept; the rest goes by itself (mall.retention, cart.orders.erasure).
ORDER_DAYS = env.int("ORDER_DAYS", default=3650)  # who bought: the books and the tax office ask for it
UNPAID_DAYS = env.int("UNPAID_DAYS", default=30)  # who began to buy, and did not pay
AUDIT_DAYS = env.int("AUDIT_DAYS", default=730)  # who changed what in the back office
STOCK_ALERT_DAYS = env.int("STOCK_ALERT_DAYS", default=180)  # who waits for goods that do not come back
ATTEMPT_DAYS = env.int("ATTEMPT_DAYS", default=180)  # how the sending of acknowledged dispatches went
# Limits on declined cards and held goods: fields of cart.checkout.limits.Limits, where their defaults are, such as
# {"declines_a_network": 12, "fresh_share": 0.2}. They count over two hours. None: no limits.
CHECKOUT_LIMITS: dict[str, object] | None = {}
ORDER_STATUS_VIEW = "order_status"
ORDER_LINK_DAYS = 30  # then the page mails a new link to the buyer
# Where the sandbox gateway's notices are posted: a node of the farm or its balancer, as a worker reaches it.
SANDBOX_WEBHOOK_ORIGIN = env.str("SANDBOX_WEBHOOK_ORIGIN", default=f"http://127.0.0.1:{PUBLIC_PORT}")

# Pages
LANGUAGE_CODE = "en-ie"
LANGUAGES = [("en-ie", "English"), ("de", "Deutsch")]  # of shoppers' pages; the back office is English (ADR 80)
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="Europe/Dublin")
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(DATA_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or DEMO
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
STATICFILES_FINDERS = [
    "mall.page_sheet.PageSheetFinder",  # first: it makes a file that the next one finds
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
WHITENOISE_USE_FINDERS = DEBUG or DEMO

# Security
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "form-action": [CSP.SELF],  # mall.csp adds the master
}
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=0)
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # a vendor's domain has sub-domains that are not the mall's to promise TLS for
    "security.W008",  # the balancer redirects to HTTPS, before any node is asked
    "security.W021",  # as W005: preloading is its owner's decision
]

# Logs: structlog, one JSON object a line (readable lines in the demo); mall.logs
LOG_FORMAT = env.str("LOG_FORMAT", default="json")
LOGGING_CONFIG = "mall.logs.configure"
LOGGING = {"version": 1}  # Django calls LOGGING_CONFIG only where this says something
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = SECURE_PROXY_SSL_HEADER is not None  # the balancer makes each id
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # it believes X-Real-IP of anybody; mall.request_log does not
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # workers and beat log as the nodes do

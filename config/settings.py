"""Settings: the only place that reads the environment. `docs/configuration.md` lists every name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from usertasks.secret_keys import HOW_TO_MAKE_ONE, is_placeholder, secret_of_installation

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

VAR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))
"""Where what the deployment keeps lies: the SQLite database, uploads and a generated secret."""


def _secret(name: str) -> str:
    """A secret of the deployment, which is none where everybody knows it; empty, where it is not set."""
    secret: str = env.str(name, default="")
    if secret and not DEBUG and is_placeholder(secret):
        raise ImproperlyConfigured(f"{name} is a placeholder that everybody knows. Make one: {HOW_TO_MAKE_ONE}")
    return secret


# Whether statements that every request sends are planned once for each connection; not behind a pooler that cannot.
DATABASE_PREPARE = env.bool("DATABASE_PREPARE", default=True)


def _database() -> dict[str, Any]:
    database: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{VAR / 'usertasks.sqlite3'}")
    options = database.setdefault("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        # Writers queue instead of failing half-way, readers never wait for them.
        options |= {"transaction_mode": "IMMEDIATE", "timeout": 20}
        options["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"
        VAR.mkdir(parents=True, exist_ok=True)
        return database
    if pool_size := env.int("DATABASE_POOL_SIZE", default=10):
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 20}
    if DATABASE_PREPARE:
        # Only what asks for it is prepared, and its plan for any value is the plan for each.
        options["prepare_threshold"] = 2**31
        options["options"] = f"{options.get('options', '')} -c plan_cache_mode=force_generic_plan".strip()
    return database


def _mailer() -> dict[str, Any]:
    """The mail server of EMAIL_URL, in Django's form. A server that says nothing is given up after EMAIL_TIMEOUT."""
    mail = env.email_url("EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25")
    if mail["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend":
        return {"BACKEND": mail["EMAIL_BACKEND"], "OPTIONS": {"file_path": "/" + mail["EMAIL_FILE_PATH"].lstrip("/")}}
    if mail["EMAIL_BACKEND"] != "django.core.mail.backends.smtp.EmailBackend":
        return {"BACKEND": mail["EMAIL_BACKEND"]}
    options = {
        "host": mail["EMAIL_HOST"] or "localhost",
        "port": mail["EMAIL_PORT"],
        "username": mail["EMAIL_HOST_USER"],
        "password": mail["EMAIL_HOST_PASSWORD"],
        "use_tls": mail.get("EMAIL_USE_TLS", False),
        "use_ssl": mail.get("EMAIL_USE_SSL", False),
        "timeout": env.float("EMAIL_TIMEOUT", default=10.0),
    }
    return {"BACKEND": mail["EMAIL_BACKEND"], "OPTIONS": options}


def _roles() -> Any:
    """What a group of the provider makes of somebody; whether it makes sense, `check` says."""
    try:
        return json.loads(env.str("OIDC_ROLES", default="") or "{}")
    except ValueError:
        raise ImproperlyConfigured('OIDC_ROLES must be JSON, such as {"task-admins": "admin"}.') from None


def _public_url() -> str:
    """Where people reach the inbox, for links in mails: unless it is said, the first name under which it is served."""
    named = next((host for host in ALLOWED_HOSTS if not host.startswith((".", "*"))), "localhost")
    port = env.int("PORT", default=8000)
    url: str = env.str("PUBLIC_URL", default="") or (f"http://127.0.0.1:{port}" if DEBUG else f"https://{named}")
    if not url.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"PUBLIC_URL must begin with http:// or https://: {url!r}")
    return url.rstrip("/")


PUBLIC_KEY_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"]


def _signature_algorithms() -> list[str]:
    """With what tokens of the issuer may be signed: with a private key in any case, so never `none` and never HS256."""
    named: list[str] = env.list("JWT_ALGORITHMS", default=PUBLIC_KEY_ALGORITHMS)
    if not named or not set(named).issubset(PUBLIC_KEY_ALGORITHMS):
        raise ImproperlyConfigured(f"JWT_ALGORITHMS must be some of {', '.join(PUBLIC_KEY_ALGORITHMS)}.")
    return named


DEBUG = env.bool("DEBUG", default=False)
# Machines that work together need the same one, so no server starts with the one that is made here: see checks.py.
SECRET_KEY = _secret("SECRET_KEY") or secret_of_installation(VAR / "secret-key")
SECRET_KEY_IS_GIVEN = bool(env.str("SECRET_KEY", default=""))
# What the links of the audit are signed with; the fallbacks are the keys of before, with which old links are verified.
AUDIT_KEY = _secret("AUDIT_KEY")
AUDIT_KEY_FALLBACKS = env.list("AUDIT_KEY_FALLBACKS", default=[])
# Whether a proxy stands before the web server: then the addresses of people, and whether they use TLS, come from it.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
DATABASES = {"default": _database()}
PUBLIC_URL = _public_url()
MAILERS = {"default": _mailer()}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="usertasks@localhost")

USERTASKS = {
    # What completing a run does when somebody else has it: REASSIGN or FAIL_IF_CLAIMED_BY_OTHER.
    "COMPLETE_POLICY": env.str("COMPLETE_POLICY", default="REASSIGN"),
    # As whom gRPC calls without a token act; nobody, where it is empty. Refused beyond loopback.
    "GRPC_ANONYMOUS_USER": env.str("GRPC_ANONYMOUS_USER", default=""),
    # How many requests of one process of the web server may wait at once; keep it well below its threads.
    "MAX_WAITERS": env.int("MAX_WAITERS", default=8),
    # What hooks may run: `task_def_name` to the dotted path of a django.tasks task. See usertasks/tasks.py.
    "TASKS": {"send-reminder": "usertasks.reminders.send_reminder", **env.dict("HOOK_TASKS", default={})},
}

# Single sign-on by OpenID Connect: see docs/sign-in.md. Without a server there is none.
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", default="").rstrip("/")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_NAME = env.str("OIDC_NAME", default="single sign-on")
OIDC_SCOPES = env.str("OIDC_SCOPES", default="openid profile email").split()
OIDC_USER_ID_CLAIM = env.str("OIDC_USER_ID_CLAIM", default="preferred_username")
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", default="groups")
# What a value of the groups claim makes of somebody: {"task-admins": "admin", "finance-heads": "lead:finance"}.
OIDC_ROLES = _roles()
# Whether signing out here signs out at the provider as well.
OIDC_SIGN_OUT = env.bool("OIDC_SIGN_OUT", default=True)
# Whether people may sign in with a password that is kept here.
LOCAL_PASSWORDS = env.bool("LOCAL_PASSWORDS", default=True)
# So often may a name be tried from one address, and all names from it, in so many seconds: see inbox/sign_in_limits.py.
SIGN_IN_FAILURES = env.int("SIGN_IN_FAILURES", default=10)
SIGN_IN_FAILURES_PER_ADDRESS = env.int("SIGN_IN_FAILURES_PER_ADDRESS", default=100)
SIGN_IN_SECONDS = env.int("SIGN_IN_SECONDS", default=15 * 60)
# allauth speaks to the provider, and nothing else: it has no pages here, and sends no mail.
ACCOUNT_EMAIL_VERIFICATION = "none"

# Bearer tokens of the company's own issuer (JSON Web Tokens): see docs/jwt.md. Without an audience none is taken.
JWT_AUDIENCE = env.str("JWT_AUDIENCE", default="")
JWT_ISSUER = env.str("JWT_ISSUER", default="") or OIDC_SERVER_URL
JWT_ALGORITHMS = _signature_algorithms()
JWT_LEEWAY = env.int("JWT_LEEWAY", default=30)
# What a token that names no scope of ours is for; nothing, where this is empty. See usertasks/actors.py.
JWT_SCOPES = env.list("JWT_SCOPES", default=["admin"])
if JWT_AUDIENCE and not JWT_ISSUER:
    raise ImproperlyConfigured("JWT_AUDIENCE needs JWT_ISSUER, or OIDC_SERVER_URL: whose tokens are to be taken?")

# So many calls a second may one caller make, and so many at once, of each process; 0 for as many as they like.
API_RATE = env.float("API_RATE", default=200.0)
API_BURST = env.int("API_BURST", default=max(1, round(10 * API_RATE)))
# So many tokens that are not valid may come from one address in a minute; 0 for as many as they like.
API_FAILED_RATE = env.int("API_FAILED_RATE", default=300)
if API_RATE < 0 or API_BURST < 1 or API_FAILED_RATE < 0 or JWT_LEEWAY < 0:
    raise ImproperlyConfigured("API_RATE, API_FAILED_RATE and JWT_LEEWAY must not be negative, API_BURST at least 1.")

# So often does a page that is open ask whether anything has happened; 0 for never. See docs/live.md.
LIVE_SECONDS = env.float("LIVE_SECONDS", default=5.0)

# Where webhooks may go beside the public internet: names, addresses, networks. See usertasks/addresses.py.
WEBHOOK_ALLOWED_HOSTS = env.list("WEBHOOK_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "::1"] if DEBUG else [])

INSTALLED_APPS = [
    # Before ours, which take from the admin what these put there.
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "usertasks",
    "inbox",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "rest_framework",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "config.middleware.HeadersMiddleware",
    "config.middleware.CompressionMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "usertasks.api.middleware.HostMiddleware",
    "config.middleware.ReadableFormMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "inbox.locale.LocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "inbox.middleware.SignInMiddleware",
    "inbox.live.LiveMiddleware",
    "inbox.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

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
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = ["usertasks.backends.AccountBackend"]
CSRF_FAILURE_VIEW = "inbox.views.csrf_failure"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "inbox:mine"
LOGOUT_REDIRECT_URL = "sign-in"

LANGUAGE_CODE = "en"
# Those of the catalogs, by the names that their speakers call them: see docs/translating.md.
LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("fr", "Français"),
    ("ja", "日本語"),
    ("pt", "Português"),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False  # nobody else's pages are made with our files
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}

# Files that were chosen and not saved yet: read through the pages alone, so the web server must not serve this folder.
MEDIA_ROOT = VAR / "media"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# One body, whichever door it comes through: a batch of runs, or a form with its files.
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_BODY_BYTES", default=10 * 1024 * 1024)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "usertasks.api.authentication.TokenAuthentication",
        "usertasks.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["usertasks.api.throttling.CallerThrottle"],
    "DEFAULT_PARSER_CLASSES": ["usertasks.api.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["usertasks.api.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "usertasks.api.renderers.AlwaysJSON",
    "DEFAULT_SCHEMA_CLASS": "usertasks.api.schema.Schema",
    "EXCEPTION_HANDLER": "usertasks.api.problems.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "usertasks",
    "DESCRIPTION": "Tasks that people do for workflows: create them, find them, complete them, learn the outcome.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "EventTypeEnum": "usertasks.models.EventType",
        "FieldTypeEnum": "usertasks.fieldtypes.NAMES",
        "StatusEnum": "usertasks.models.Status",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

SECURE_CSP: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "usertasks.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# From signing in, not from the last click: who was put out of a group at the provider is out of it here the next day.
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", default=12 * 3600)
SECURE_REFERRER_POLICY = "same-origin"
if not DEBUG:
    # A proxy that ends TLS says so in this header.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
    SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]  # whoever probes these may stand beside us, without TLS
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=365 * 24 * 3600)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("COOKIE_SECURE", default=True)
    if SESSION_COOKIE_SECURE:
        # A browser takes these names over TLS only, and from no other host: a neighbour's domain cannot set them.
        SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"

# Where `manage.py run_all` serves the demo.
DEMO_PORT = env.int("PORT", default=8000)
DEMO_GRPC_PORT = env.int("GRPC_PORT", default=2023)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "config.logs.LineFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # Django's own handlers would say everything twice.
    "loggers": {"django": {"handlers": [], "propagate": True}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}

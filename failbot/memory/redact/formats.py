"""What secrets look like that their issuers made to be recognised: one table.

A pattern begins with its fixed mark wherever there is one, so that a text without it costs
nothing; each repetition is over one character class, so that no text makes the search slow. The
source is the project whose rules cover the format; the patterns are our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from failbot.memory.redact.found import Found


class Format(NamedTuple):
    """The secret's kind, as people are told; its pattern, without groups; who else knows it."""

    kind: str
    pattern: str
    source: str


FORMATS = (
    Format("1password token", r"ops_eyJ[\w+/=-]{60,}", "gitleaks"),
    Format("1password key", r"A3-[A-Z0-9]{6}-[A-Z0-9]{5,11}(?:-[A-Z0-9]{5,6}){3,4}", "gitleaks"),
    Format("adafruit key", r"aio_[A-Za-z0-9]{28}", "kingfisher"),
    Format("adobe secret", r"p8e-[A-Za-z0-9_-]{32}", "gitleaks"),
    Format("age key", r"AGE-SECRET-KEY-1[0-9A-Z]{50,60}", "gitleaks"),
    Format("airtable token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", "gitleaks"),
    Format("alibaba key", r"LTAI[A-Za-z0-9]{16,26}", "gitleaks"),
    Format("anthropic key", r"sk-ant-[\w-]{20,}", "gitleaks"),
    Format("apify token", r"apify_api_[A-Za-z0-9]{30,}", "kingfisher"),
    Format("artifactory key", r"AKCp[A-Za-z0-9]{60,80}|cmVmd[A-Za-z0-9]{59}", "gitleaks"),
    Format("atlassian token", r"AT(?:ATT|CTT|BB)[\w=-]{24,}", "gitleaks"),
    Format(
        "authress key",
        r"(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[\w+/=-]{30,}",
        "gitleaks",
    ),
    Format(
        "aws key",
        r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z2-7]{16}|ABSK[A-Za-z0-9+/]{100,}={0,2}"
        r"|bedrock-api-key-[\w+/=]{20,}",
        "gitleaks",
    ),
    Format("aws session token", r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdzE)[\w+/=%-]{60,}", "kingfisher"),
    Format("azure key", r"[A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31,34}", "gitleaks"),
    Format("browserbase key", r"bb_(?:live|test)_[\w-]{20,}", "kingfisher"),
    Format("buildkite token", r"bk(?:ua|at|ct)_[0-9A-Za-z]{20,}", "kingfisher"),
    Format("cerebras key", r"csk-[a-z0-9]{40,}", "kingfisher"),
    Format("circleci token", r"CCI(?:PAT|PRJ)_[\w-]{20,}", "kingfisher"),
    Format("clojars token", r"CLOJARS_[A-Za-z0-9]{60}", "gitleaks"),
    Format("clickhouse key", r"4b1d[A-Za-z0-9]{38}", "gitleaks"),
    Format("cloudflare key", r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}", "gitleaks"),
    Format("contentful token", r"CFPAT-[\w-]{40,}", "kingfisher"),
    Format("crates.io token", r"cio[A-Za-z0-9]{32}", "kingfisher"),
    Format("databricks token", r"(?:dapi|dose|dkea)[0-9a-f]{32}(?:-\d)?", "gitleaks"),
    Format("dbt token", r"dbt[cus]_[\w=-]{30,}", "kingfisher"),
    Format("digitalocean token", r"do[opr]_v1_[0-9a-f]{64}|DO00[A-Z0-9]{16}", "gitleaks"),
    Format("discord token", r"[A-Za-z0-9][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,40}", "detect-secrets"),
    Format("docker token", r"dckr_[po]at_[\w-]{20,}", "kingfisher"),
    Format("doppler token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{30,}", "gitleaks"),
    Format("dropbox token", r"sl\.(?:u\.)?[\w-]{100,}", "gitleaks"),
    Format("duffel token", r"duffel_(?:test|live)_[\w=-]{43}", "gitleaks"),
    Format("dynatrace token", r"dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}", "gitleaks"),
    Format("easypost key", r"EZ[AT]K[A-Za-z0-9]{54}", "gitleaks"),
    Format("elevenlabs key", r"sk_[0-9a-f]{48}", "kingfisher"),
    Format("facebook token", r"EAA[A-Za-z0-9]{80,}", "gitleaks"),
    Format("figma token", r"fig[dour]_[\w-]{30,}", "kingfisher"),
    Format("firecrawl key", r"fc-[0-9a-f]{32}", "kingfisher"),
    Format("fireworks key", r"fw_[A-Za-z0-9]{22,30}", "kingfisher"),
    Format("fly token", r"fo1_[\w-]{30,}|fm[12][ar]?_[\w+/=-]{60,}", "gitleaks"),
    Format("frame.io token", r"fio-u-[\w=-]{64}", "gitleaks"),
    Format("github token", r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}", "gitleaks"),
    Format(
        "gitlab token",
        r"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|imt|agent|oas|ffct)-[\w.-]{20,}|GR1348941[\w-]{20,}",
        "gitleaks",
    ),
    Format(
        "google key",
        r"AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w.-]{20,}|1//0[\w-]{40,}|GOOG1?[0-9A-Z][A-Z0-9]{20,}",
        "gitleaks",
    ),
    Format(
        "grafana token",
        r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[\w+/=]{32,}|eyJrIjoi[\w+/=]{60,}",
        "gitleaks",
    ),
    Format("groq key", r"gsk_[A-Za-z0-9]{40,}", "betterleaks"),
    Format("harness token", r"(?:pat|sat)\.[\w-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}", "gitleaks"),
    Format("heroku key", r"HRKU-[\w-]{36,}", "gitleaks"),
    Format("hubspot token", r"pat-(?:na|eu)\d-[0-9a-f-]{36}", "gitleaks"),
    Format("hugging face token", r"hf_[A-Za-z0-9]{30,}|api_org_[A-Za-z0-9]{30,}", "gitleaks"),
    Format("infracost key", r"ico-[A-Za-z0-9]{32}", "gitleaks"),
    Format("intercom token", r"dG9r[A-Za-z0-9+/=]{52,}", "kingfisher"),
    Format("ionic token", r"ion_[a-z0-9]{42}", "kingfisher"),
    Format("jina key", r"jina_[\w-]{50,}", "kingfisher"),
    Format("json web token", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?", "gitleaks"),
    Format("kaggle token", r"KGAT_[0-9a-f]{32}", "kingfisher"),
    Format("lambda key", r"secret_[\w-]{8,24}_[0-9a-f]{32}\.[A-Za-z0-9]{32}", "kingfisher"),
    Format("langfuse key", r"[sp]k-lf-[0-9a-f-]{36}", "kingfisher"),
    Format(
        "langsmith key", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|ls__[0-9a-f]{32}", "betterleaks"
    ),
    Format(
        "launchdarkly key", r"(?:sdk|api|mob)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{21}", "kingfisher"
    ),
    Format("linear key", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}", "gitleaks"),
    Format("llama cloud key", r"llx-[A-Za-z0-9]{40,}", "kingfisher"),
    Format("mailchimp key", r"[0-9a-f]{32}-us\d{1,2}", "gitleaks"),
    Format("mailgun key", r"key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}", "gitleaks"),
    Format("mapbox token", r"[sp]k\.[A-Za-z0-9]{60,}\.[\w-]{22}", "gitleaks"),
    Format("maxmind key", r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk", "gitleaks"),
    Format("modal token", r"a[ks]-[A-Za-z0-9]{22}", "kingfisher"),
    Format("neon key", r"napi_[a-z0-9]{40,}", "kingfisher"),
    Format("neptune token", r"eyJhcGlfYWRkcmVzcyI6[\w+/=-]{20,}", "kingfisher"),
    Format("netlify token", r"nfp_[\w-]{36,}", "kingfisher"),
    Format("new relic key", r"NR(?:AK|II|JS|AA|BR)-[\w-]{19,}|[0-9a-f]{36}NRAL", "gitleaks"),
    Format("ngrok token", r"[12][A-Za-z0-9]{26}_[A-Za-z0-9]{20,22}", "kingfisher"),
    Format("notion token", r"ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}", "gitleaks"),
    Format("npm token", r"npm_[A-Za-z0-9]{36}", "gitleaks"),
    Format("nuget key", r"oy2[a-z0-9]{43}", "kingfisher"),
    Format("nvidia key", r"nvapi-[\w-]{40,}", "kingfisher"),
    Format("octopus key", r"API-[A-Z0-9]{26}", "gitleaks"),
    Format(
        "openai key", r"sk-(?:proj|svcacct|admin|None)-[\w-]{20,}|sk-[A-Za-z0-9]{32,}", "gitleaks"
    ),
    Format("openrouter key", r"sk-or-v1-[0-9a-f]{40,}", "betterleaks"),
    Format("openshift token", r"sha256~[\w-]{43}", "gitleaks"),
    Format("perplexity key", r"pplx-[A-Za-z0-9]{32,}", "gitleaks"),
    Format("pinecone key", r"pcsk_\w{40,}", "betterleaks"),
    Format("plaid token", r"access-(?:sandbox|development|production)-[0-9a-f-]{36}", "gitleaks"),
    Format("planetscale token", r"pscale_(?:tkn|pw|oauth)_[\w=.-]{32,}", "gitleaks"),
    Format("posthog key", r"ph[xc]_[A-Za-z0-9]{40,}", "kingfisher"),
    Format("postman key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", "gitleaks"),
    Format("prefect key", r"pn[ub]_[A-Za-z0-9]{36}", "gitleaks"),
    Format("pulumi token", r"pul-[0-9a-f]{40}", "gitleaks"),
    Format("pypi token", r"pypi-AgE[\w-]{40,}", "gitleaks"),
    Format("readme key", r"rdme_[a-z0-9]{60,}", "gitleaks"),
    Format("replicate token", r"r8_[A-Za-z0-9]{37}", "betterleaks"),
    Format("rubygems key", r"rubygems_[0-9a-f]{48}", "gitleaks"),
    Format("runpod key", r"rpa_[A-Za-z0-9]{40,}", "kingfisher"),
    Format("scalingo token", r"tk-us-[\w-]{48}", "gitleaks"),
    Format("segment token", r"sgp_[A-Za-z0-9]{64}", "kingfisher"),
    Format("sendgrid key", r"SG\.[\w-]{16,}\.[\w-]{16,}", "gitleaks"),
    Format("sendinblue key", r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}", "gitleaks"),
    Format("sentry token", r"sntry[su]_[\w+/=-]{40,}", "gitleaks"),
    Format("settlemint token", r"sm_(?:aat|pat|sat)_[A-Za-z0-9]{16}", "gitleaks"),
    Format("shippo token", r"shippo_(?:live|test)_[a-f0-9]{40}", "gitleaks"),
    Format("shopify token", r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}", "gitleaks"),
    Format(
        "slack token",
        r"xox[abcdeoprs](?:\.xox[bp])?-[\w%+/=-]{10,}|xapp-\d-[\w-]{10,}",
        "detect-secrets",
    ),
    Format("sonar token", r"sq[pua]_[0-9a-f]{40}", "kingfisher"),
    Format(
        "sourcegraph token", r"sgp_(?:[a-f0-9]{16}|local)_[a-f0-9]{40}|slk_[a-f0-9]{64}", "gitleaks"
    ),
    Format("square token", r"EAAA[\w-]{60}|sq0[a-z]{3}-[\w-]{22,}", "detect-secrets"),
    Format(
        "stripe key", r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[\w+/=]{24,}", "gitleaks"
    ),
    Format("supabase key", r"sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,}", "kingfisher"),
    Format("tailscale key", r"tskey-(?:auth|api|client|scim|webhook)-[\w-]{20,}", "kingfisher"),
    Format("tavily key", r"tvly-[\w-]{28,}", "kingfisher"),
    Format("telegram token", r"(?:bot)?\d{8,10}:AA[\w-]{32,33}", "gitleaks"),
    Format("terraform token", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}", "gitleaks"),
    Format("together key", r"tgp_v1_[\w-]{30,}", "betterleaks"),
    Format("twilio key", r"SK[0-9a-f]{32}", "gitleaks"),
    Format("twitter token", r"A{20,22}[A-Za-z0-9%]{80,}", "gitleaks"),
    Format("typeform token", r"tfp_[\w.=-]{59}", "gitleaks"),
    Format("vault token", r"hv[sbr]\.[\w-]{24,}|s\.[A-Za-z0-9]{24}", "gitleaks"),
    Format("vercel token", r"vc[pikra]_[A-Za-z0-9]{24,}", "kingfisher"),
    Format("voyage key", r"pa-[\w-]{43}", "kingfisher"),
    Format("wandb key", r"wandb_v\d_\w{40,}", "kingfisher"),
    Format("xai key", r"xai-[A-Za-z0-9]{60,}", "betterleaks"),
    Format("yandex key", r"AQVN[\w-]{35,}|t1\.[A-Z0-9a-z_-]{60,}\.[\w-]{86}", "gitleaks"),
)

# Password hashes, which can be guessed at leisure (crypt(5)).
HASHES = re.compile(
    r"\$(?:apr1|1|5|6|y)\$(?:rounds=\d{1,9}\$)?[\w./]{1,32}\$[\w./]{20,120}"
    r"|\$2[abxy]\$\d\d\$[\w./]{53}"
    r"|\$argon2id?\$[\w=,$+/]{40,200}",
    re.ASCII,
)
# Written by people who show a form, not a secret.
_SHOWN = re.compile(r"EXAMPLE|x{6,}|X{6,}|\*{4,}|0{12,}|1234567890123")

# A word begins here: also after an underscore, a percent escape or an escaped control character.
_BEGIN = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\\[nrt])|(?<=x1b\[\dm))"
_END = r"(?![A-Za-z0-9])"


def formats(text: str) -> Iterator[Found]:
    """Every secret that its own form gives away."""
    for match in _any().finditer(text):
        if not _SHOWN.search(match[0]):
            yield Found(match.start(), match.end(), kind_of(match[0]))
    for match in HASHES.finditer(text):
        yield Found(match.start(), match.end(), "password hash")


def kind_of(secret: str) -> str:
    """The kind of a text that is such a secret from end to end; "" where it is none."""
    return next((one.kind for one in FORMATS if _compiled(one.pattern).fullmatch(secret)), "")


@cache
def _any() -> re.Pattern[str]:
    """All formats as one pattern, tried where a word begins.

    Without groups: a branch that begins with its first letter is dismissed at a glance.
    """
    every = "|".join(one.pattern for one in FORMATS)
    return re.compile(rf"{_BEGIN}(?=[A-Za-z0-9])(?:{every}){_END}", re.ASCII)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)

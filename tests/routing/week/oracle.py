"""Runs in a peer's own environment: states on stdin, the choices of the peer's own code on stdout."""

import json
import sys
from datetime import datetime
from types import SimpleNamespace


def freellmpool(states: list) -> dict:
    """Return the whole order by `Pool._order`, for both modes."""
    from freellmpool.metrics import Metrics, Stat
    from freellmpool.models import Model, Provider
    from freellmpool.router import Pool

    found: dict = {"fair": [], "spread": []}
    for rows in states:
        by_provider: dict = {}
        for row in rows:
            by_provider.setdefault(row["provider"], []).append(Model(row["model"], rpd=row["per_day"]))
        providers = [Provider(name, name, "openai", "http://127.0.0.1", tuple(of)) for name, of in by_provider.items()]
        metrics = Metrics()
        metrics._stats = {
            f"{row['provider']}/{row['model']}": Stat(ok=row["ok"], fail=row["fail"], ewma_ms=row["latency_ms"])
            for row in rows
        }
        used = {f"{row['provider']}::{row['model']}": row["used"] for row in rows}
        pool = Pool(providers, quota=SimpleNamespace(snapshot=lambda used=used: used), env={}, metrics=metrics)
        targets = {target.name: target for target in pool._targets}
        asked = [targets[f"{row['provider']}/{row['model']}"] for row in rows]
        for mode, orders in found.items():
            orders.append([target.name for target in pool._order(asked, routing=mode)])
    return found


def litellm(states: list) -> dict:
    """Return those that the usage rule draws from, and the one that the latency rule drew."""
    from litellm.caching.caching import DualCache
    from litellm.router_strategy.lowest_latency import LowestLatencyLoggingHandler
    from litellm.router_strategy.lowest_tpm_rpm_v2 import LowestTPMLoggingHandler_v2

    usage, latency = LowestTPMLoggingHandler_v2(DualCache()), LowestLatencyLoggingHandler(DualCache())
    found: dict = {"usage": [], "latency": []}
    for rows in states:
        deployments = [
            {
                "model_info": {"id": row["name"]},
                "litellm_params": {"model": "m", "tpm": row["tokens_per_min"], "rpm": row["requests_per_min"]},
            }
            for row in rows
        ]
        tokens = {row["name"]: row["tokens"] for row in rows}
        requests = {row["name"]: row["requests"] for row in rows}
        drawn = usage._return_potential_deployments(deployments, tokens, 0, requests)
        found["usage"].append([each["model_info"]["id"] for each in drawn])
        minute = datetime.now().strftime("%Y-%m-%d-%H-%M")  # noqa: DTZ005 - as the peer names it
        known = {
            row["name"]: {
                "latency_normalized": row["latencies"],
                minute: {"tpm": row["tokens"], "rpm": row["requests"]},
            }
            for row in rows
        }
        one = latency._get_available_deployments("group", deployments, None, None, {}, known)
        found["latency"].append([one["model_info"]["id"]] if one else [])
    return found


if __name__ == "__main__":
    print(json.dumps({"freellmpool": freellmpool, "litellm": litellm}[sys.argv[1]](json.load(sys.stdin))))

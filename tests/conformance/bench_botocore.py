"""Milliseconds of fresh botocore sessions that ask a credential_process, as JSON.

The arguments are profiles of AWS_CONFIG_FILE.
"""

import json
import sys
import time

import botocore.session

RUNS = 200


def milliseconds(profile):
    times = []
    for _ in range(RUNS):
        session = botocore.session.Session(profile=profile)
        start = time.perf_counter()
        session.get_credentials().get_frozen_credentials()
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    return {"median": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]}


print(json.dumps({profile: milliseconds(profile) for profile in sys.argv[1:]}))

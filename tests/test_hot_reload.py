"""New generations and new models under load: no request fails, and every answer is of one generation and one model that were published."""

import json
import threading
import time
import urllib.request

from small_models import model_for
from web_home import make_home
from web_server import running_server

from indexer.changes import apply_changes
from indexer.index import Index
from ranker.registry import Registry

SWAPS = 6


def get(url):
    with urllib.request.urlopen(url, timeout=20) as response:
        return json.loads(response.read())


class Load(threading.Thread):
    """Searches one after another until told to stop; ``seen`` is (generation, model, documents of the answer's generation)."""

    def __init__(self, base, stop):
        super().__init__(daemon=True)
        self.base, self.stop, self.seen, self.failures = base, stop, set(), []

    def run(self):
        while not self.stop.is_set():
            try:
                answer = get(f"{self.base}/v1/search?q=sentinel&limit=50")
                model = answer["model"] and answer["model"]["version"]
                self.seen.add((answer["generation"], model, answer["total"]["value"]))
            except Exception as error:
                self.failures.append(repr(error))


def test_swaps_of_index_and_model_fail_no_request_and_mix_no_answer(tmp_path):
    home = make_home(tmp_path)
    registry, stop = Registry(home), threading.Event()
    documents, versions = {Index.open(home).generation: 0}, {None}
    with running_server(home.root, tmp_path, workers=2) as (base, _):
        loads = [Load(base, stop) for _ in range(3)]
        for load in loads:
            load.start()
        for number in range(1, SWAPS + 1):
            # Generation n holds n documents with the word, so an answer that mixes generations has a wrong total.
            documents[apply_changes(home, [{"id": f"s{number}", "title": "sentinel", "body": "sentinel text"}])] = number
            versions.add(registry.activate("hot", registry.publish(model_for(home, number), {}, "hot"))[1])
            time.sleep(0.3)
        until = time.monotonic() + 10
        newest = max(documents, key=documents.get)
        while get(f"{base}/v1/search?q=sentinel")["generation"] != newest and time.monotonic() < until:
            time.sleep(0.05)
        stop.set()
        for load in loads:
            load.join(20)
    seen = set().union(*(load.seen for load in loads))
    assert [failure for load in loads for failure in load.failures] == []
    assert all(documents[generation] == total for generation, _, total in seen)
    assert {version for _, version, _ in seen} <= versions
    assert len({generation for generation, _, _ in seen}) > 2
    assert len({version for _, version, _ in seen}) > 2

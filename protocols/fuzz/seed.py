"""Makes fuzz/seeds/TARGET/* from vectors/messages.json and receiver.json; run by tools/fuzz.sh."""

import json
import pathlib

here = pathlib.Path(__file__).parent
vectors = here.parent / "vectors"
messages = json.loads((vectors / "messages.json").read_text())
targets = {
    "datagram to server": "datagram_to_server",
    "datagram to client": "datagram_to_client",
    "control to server": "control_to_server",
    "control to client": "control_to_client",
    "cursor": "cursor",
    "redundant": "audio_redundant",
}
seeds = {}


def add(target, data):
    seeds.setdefault(target, []).append(data)


for message in messages["messages"] + messages["malformed"]:
    data = bytes.fromhex(message["hex"])
    target = targets[message["channel"]]
    # `arbitrary` takes the cut from the input's end.
    add(target, data + b"\x03\x00" if target.startswith("control") else data)
for query in messages["queries"]:
    add("auth", query["query"].encode())
for target, datas in seeds.items():
    folder = here / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(datas):
        (folder / f"{number:03}").write_bytes(data)
for target in ("input_session", "clock"):
    (here / "seeds" / target).mkdir(parents=True, exist_ok=True)

// A page that plays a broadcast with the stock player; bundled by stock.test.mjs. As its documentation says, but that the
// certificate is pinned, which is what a page on a server without a public name has to do.
import "@moq/watch/element";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const { certificates } = await (await fetch("/challenge")).json();
const watch = document.createElement("moq-watch");
watch.connection.webtransport = { serverCertificateHashes: certificates.map((hash) => ({ value: bytes(hash) })) };
watch.connection.websocket = { enabled: false };
watch.append(document.createElement("canvas"));
watch.visible = "always";
watch.name = "test-picture";
watch.url = `https://${location.host}/moq?token=${location.hash.replace(/^#(token=)?/, "")}`;
document.body.replaceChildren(watch);

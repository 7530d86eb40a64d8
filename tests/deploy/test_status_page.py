"""The page at `/` in a real browser, against a process under load: what it shows, and that it asks nobody else."""
import re
import shutil
import subprocess

from harness import long_test, skip, wait_for
from shop import Shop

MOST_BYTES = 60_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OF_ITS_OWN_ACCORD = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
                     "--disable-quic"]


def browse(env, url, *flags):
    """What the browser has made of the page after some seconds of its own time: the document, and what it complained of."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        skip("there is no Chromium; apt-get install chromium")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", *OF_ITS_OWN_ACCORD, f"--user-data-dir={env.directory}/browser",
               "--enable-logging=stderr", "--virtual-time-budget=12000", "--window-size=1280,1500", *flags, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@long_test
def test_the_status_page_shows_a_loaded_process(env):
    shop = Shop(env)
    process = shop.run(shop.job(every="500ms"), "--reveal-keys")
    shop.write()
    wait_for(lambda: process.total("tidemark_records_dead_lettered_total") > 3 and process.total("tidemark_records_emitted_total") > 100,
             "rows and dead letters")
    status, page = process.get("/")
    assert status == 200 and len(page.encode()) < MOST_BYTES, f"{status}, {len(page.encode())} bytes"
    outside = set(re.findall(r"https?://[^\"'` )]+", page)) - {"http://www.w3.org/2000/svg"}
    assert not outside, f"the page names {outside}"

    url = f"http://127.0.0.1:{process.port}/"
    document, complaints = browse(env, url, "--dump-dom")
    assert not complaints, complaints
    for wanted in ('aria-label="Pipeline shop"', ">running<", "in [0]", "in [3]", "Closed: every record", ">decode<",
                   'class="strip"', "<svg", 'aria-label="source events', "holds the watermark"):
        assert wanted in document, f"the document lacks {wanted}"
    assert re.search(r"source events, [\d.]+K?/s", document), "there is no rate in the graph"
    picture = env.directory / "page.png"
    browse(env, url, f"--screenshot={picture}")
    assert picture.stat().st_size > 20_000

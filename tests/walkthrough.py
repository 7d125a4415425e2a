"""Start the local Voucher Cloud, run ``manage.py voucher_walkthrough`` against it over real HTTP, stop it."""

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8907)
    port = parser.parse_args().port
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "EXAMPLE_VAR_DIR": folder,
            "VOUCHER_CLOUD_URL": f"http://127.0.0.1:{port}/v1",
        }
        cloud = subprocess.Popen(
            [sys.executable, "-m", "voucher_payment_gateway.sandbox", "--port", str(port)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            if not cloud.stdout.readline():  # it prints its address when it is ready
                return cloud.wait()
            for command in (["migrate", "--verbosity=0"], ["voucher_walkthrough"]):
                subprocess.run(
                    [sys.executable, "example_project/manage.py", *command],
                    cwd=ROOT,
                    env=environment,
                    check=True,
                )
        except subprocess.CalledProcessError as error:
            return error.returncode
        finally:
            cloud.terminate()
            cloud.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())

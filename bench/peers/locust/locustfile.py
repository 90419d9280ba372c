"""The benchmark's session of five steps in Locust: log in by a form, read a list, one of its items, put it into the
cart, done. bench/src/shop/ checks that each step carries the cookie and the values of the answers before it.

Written as its users are advised to: FastHttpUser, and names, so that an id in a path has no row of its own. The cookie
jar is that of the user's client; a log-in replaces the cookie of the session before it.
"""

from locust import FastHttpUser, task

WANTED = 3


class Shop(FastHttpUser):
    begun = 0

    @task
    def session(self):
        self.begun += 1
        self.client.post("/login", data={"user": f"guest{self.begun}", "password": "secret"})
        answer = self.client.get(f"/list?q={self.begun % 1000 + 1}", name="/list")
        item = answer.json()["items"][WANTED]["id"]
        answer = self.client.get(f"/item/{item}", name="/item")
        token = {"x-token": answer.json()["token"]}
        self.client.post("/cart", json={"id": item, "quantity": 1}, headers=token)
        self.client.get("/done", headers=token)

"""The distributed demo: two services, three workers, MariaDB and Redis, and three of them killed in the middle.

``stage`` starts everything, ``work`` says what there is to do, ``shop`` submits it, ``watch`` looks, ``strikes`` kills,
``screen`` shows it live; then ``facts`` reads the database and Dify's ledger, ``verdict`` holds them against what was
promised, ``recovery`` measures, and ``story`` tells.
"""

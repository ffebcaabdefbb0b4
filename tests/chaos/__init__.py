"""The chaos suite of the farm: its parts are killed, frozen or cut off under a stream of shoppers and staff."""

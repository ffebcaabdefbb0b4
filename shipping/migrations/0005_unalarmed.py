from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shipping', '0004_runner'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='dispatch',
            index=models.Index(
                models.F('id'),
                condition=models.Q(('alarmed_at', None), ('state', 'dead')),
                name='shipping_dispatch_unalarmed',
            ),
        ),
    ]
